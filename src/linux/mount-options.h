/*
 * The words of mounts[].options.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#linux-mount-options
 *	mount(8), mount_setattr(2), fsconfig(2)
 *
 * A word that is none of these belongs to the file system ("size=64k"), and is an error where there is no
 * file system to take it.  Where two words contradict one another the later one counts; one for all mounts
 * below says the same of the mount itself.
 */
#pragma once

#include <stddef.h>

#include "linux/container.h"

/* Fills in options, whose strings go into the arena; without an arena (NULL) the words are only checked,
 * and what belongs to the file system is left out. */
int mount_options_parse(const struct oci_mount *mount, struct arena *arena,
			struct mount_options *options, struct error *err);

/* The words there are, one by one, for the features document; NULL after the last. */
const char *mount_option_word(size_t index);
