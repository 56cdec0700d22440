/*
 * "checkpoint" and "restore": a container's processes are written to files, and made anew from them, by CRIU.
 *
 *	https://criu.org/, criu(8)
 *
 * The folder of a checkpoint holds CRIU's images and two files of proa's:
 *
 *	descriptors.json  what standard input, output and error of the first process were: ["file[18:3]",
 *			  "pipe:[4711]", ...], by CRIU's names; engines read it, too
 *	proa.json	  see checkpoint.schema
 *
 * A checkpoint is a program with the privileges of the processes that are in it: whoever can write to it can have
 * anything run.
 */
#pragma once

#include "basic/error.h"
#include "criu/options.h"
#include "runtime/create.h"
#include "runtime/state-root.h"

#define CHECKPOINT_USUAL_FOLDER "checkpoint"

/* What the user chose for either command; strings are NULL where nothing was said. */
struct checkpoint_request {
	const char *id;
	const char *image_path;	  /* never NULL */
	const char *work_path;	  /* where CRIU's log goes; NULL: image_path */
	struct criu_options wish; /* what CRIU is to do, as far as the user decides it */
	bool pre_dump;		  /* only its memory, and it goes on */
	bool trust_image;	  /* restore it whoever made it, and for whatever config */
};

/* The container is stopped then, unless with wish.leave_running or pre_dump. */
int container_checkpoint(const struct state_root *root, const struct checkpoint_request *request,
			 struct error *err);

/* A new container that goes on where the other stopped; the rest is as container_run() has it. */
int container_restore(const struct state_root *root, const struct create_request *create,
		      const struct checkpoint_request *request, int *exit_status,
		      struct error *err);
