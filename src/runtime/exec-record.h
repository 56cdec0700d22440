/*
 * What exec needs to know of a container's config.json, ROOT/ID/exec.json: written when the container is
 * made, because its engine may change the bundle later, or remove it.  The seccomp filter is in it too, as
 * the kernel takes it: to compile one takes longer than all else that exec does.
 *
 *	JSON (record_exec in record.schema), NUL up to a multiple of 8 bytes, the filter's instructions
 *
 * It is a file beside the record, so that the commands which engines call most do not read it; and one
 * file, so that the filter cannot be another container's, or a part of it: how long it is stands before it.
 * Whose it is needs no look: nobody but its owner can write to the directory.
 */
#pragma once

#include "basic/arena.h"
#include "basic/error.h"
#include "libocispec/types.h"
#include "linux/container.h"

#define EXEC_RECORD_FILE "exec.json"

/* Writes it for a container that is about to be made.  Whoever reads it does so only when the record says
 * that the container was created, and that is written after this. */
int exec_record_store(int directory, const struct container *container, struct error *err);

/* Reads it into the plan's arena: *record, and the plan's id maps, seccomp filter and keyring. */
int exec_record_load(int directory, struct container *container,
		     const struct oci_record_exec **record, struct error *err);
