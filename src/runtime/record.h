/*
 * A container's record, ROOT/ID/state.json: what create knows and the other commands need, so that
 * none of them reads config.json again, or guesses.  record.schema describes it.
 *
 * It is written before what it tells of is made, so that whatever a runtime that was killed has
 * left can be found and removed; and each time as a whole.  Until the cgroup is made it has another name: so
 * long nobody knows whose processes are in that.
 */
#pragma once

#include <stdbool.h>

#include "basic/arena.h"
#include "basic/error.h"
#include "basic/process.h"
#include "libocispec/types.h"

#define RECORD_FILE    "state.json"
#define RECORD_PLANNED "state.json.planned"
#define RECORD_BEFORE  "state.json.before"

/* Reads the record in the open directory into the arena.  -ENOENT: there is none, or a planned one that was not
 * finished, so that nothing was made; -EINVAL: it is none of ours, or damaged. */
int record_load(int directory, struct arena *arena, const struct oci_record **record,
		struct error *err);

/* The same of the container id in the open directory ROOT. */
int record_look(int root, const char *id, struct arena *arena, const struct oci_record **record,
		struct error *err);

/* Whether there is one of it, to be read or not. */
bool record_exists(int root, const char *id);

/* The same as record_load() of the record that this one has replaced. */
int record_load_before(int directory, struct arena *arena, const struct oci_record **record,
		       struct error *err);

/* Writes a container's first record, as it will be when the cgroup is made; who reads it sooner is told that it is
 * not. */
int record_plan(int directory, const struct oci_record *record, struct arena *arena,
		struct error *err);

/* Now the cgroup is made. */
int record_confirm(int directory, struct error *err);

/* Puts the record in place of the one before: after a crash at any moment it is the old or the new one, whole. */
int record_store(int directory, const struct oci_record *record, struct arena *arena,
		 struct error *err);

/* The two halves of it, for who has time before the record comes true; *text is what has been written. */
int record_write(int directory, const struct oci_record *record, struct arena *arena,
		 const char **text, struct error *err);
int record_put(int directory, const char *text, struct error *err);

/* The container's first process; pid is 0 as long as it has none. */
struct process record_init(const struct oci_record *record);
