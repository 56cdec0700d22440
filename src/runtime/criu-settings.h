/* What checkpoint and restore have in common. */
#pragma once

#include <stddef.h>

#include "basic/error.h"
#include "libocispec/types.h"

enum { CRIU_LOG_ALL = 4 };

/* what: the command. */
int criu_expect_root(const char *what, struct error *err);

/* An error of what the processes would come back without, or CRIU can't do. */
int criu_expect_restorable(const struct oci_config *config, struct error *err);

/* CRIU's own settings, of a config that criu_expect_restorable() accepts: the file that the annotation org.criu.config
 * names, or the usual one; NULL where there is none, or is to be none. */
const char *criu_config_file(const struct oci_config *config);

/* The namespaces that are restored empty, whatever the user says, as CLONE_NEW*: somebody else fills them again. */
unsigned int criu_empty_namespaces(const struct oci_config *config);
