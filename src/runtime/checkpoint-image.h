/* The folder of a checkpoint: see runtime/checkpoint.h. */
#pragma once

#include <sys/types.h>

#include "basic/arena.h"
#include "basic/error.h"
#include "libocispec/types.h"
#include "runtime/checkpoint.h"

enum { CHECKPOINT_STREAMS = 3 };

/* Both of its directories, open. */
struct checkpoint_image {
	int images, work;
};

/* make: those that are missing are made, for nobody but the caller. */
int checkpoint_image_open(struct checkpoint_image *image, const struct checkpoint_request *request,
			  bool make, struct error *err);
void checkpoint_image_release(struct checkpoint_image *image);

/* Nobody but the caller may have written to it, nor to those that it takes memory from. */
int checkpoint_image_trust(const struct checkpoint_image *image, struct error *err);

/* Who may search the folder. */
struct checkpoint_access {
	mode_t mode;
	gid_t gid;
};

/* Lets this group open files in it by their names, as CRIU does when it has become the root of a user namespace; *before is
 * what checkpoint_image_close() puts back. */
int checkpoint_image_let_in(const struct checkpoint_image *image, gid_t gid,
			    struct checkpoint_access *before, struct error *err);
void checkpoint_image_close(const struct checkpoint_image *image,
			    const struct checkpoint_access *before);

/* The confinement that the config asks for, in the arena. */
int checkpoint_confinement(const struct oci_config *config, struct arena *arena,
			   struct oci_checkpoint_confinement *confinement, struct error *err);

/* Writes what restore needs; it counts from checkpoint_finish() on, which takes no more room on the disk.  Until then
 * the folder has no checkpoint, nor one that was in it before. */
int checkpoint_store(const struct checkpoint_image *image, const struct oci_checkpoint *checkpoint,
		     const char *streams[CHECKPOINT_STREAMS], struct arena *arena,
		     struct error *err);

int checkpoint_finish(const struct checkpoint_image *image, struct error *err);

/* Takes back what checkpoint_store() wrote. */
void checkpoint_discard(const struct checkpoint_image *image);

/* *checkpoint is NULL if there is none of proa's. */
int checkpoint_load(const struct checkpoint_image *image, const struct oci_checkpoint **checkpoint,
		    struct arena *arena, struct error *err);

/* The names by which the first process's streams go; NULL where nothing is said of one. */
int checkpoint_load_streams(const struct checkpoint_image *image,
			    const char *streams[CHECKPOINT_STREAMS], struct arena *arena,
			    struct error *err);

/* An error unless the config asks for the confinement that the processes had.  labels: also for their LSM labels. */
int checkpoint_compare(const struct oci_checkpoint *checkpoint, const struct oci_config *config,
		       bool labels, struct arena *arena, struct error *err);
