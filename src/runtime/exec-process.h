/* What the process of an exec is like: from --process, or from its options. */
#pragma once

#include "basic/arena.h"
#include "libocispec/types.h"
#include "runtime/exec.h"

/* Makes it in the arena.  common is what config.json says of the container's own process, or NULL. */
int exec_process(const struct exec_request *request, const struct oci_process *common,
		 struct arena *arena, struct oci_process **process, struct error *err);

/* Parses UID[:GID]: nothing but decimal digits, and no number that is no id (CVE-2026-30892).  *gid stays what
 * it is where there is none. */
int exec_user(const char *text, uint32_t *uid, uint32_t *gid, struct error *err);
