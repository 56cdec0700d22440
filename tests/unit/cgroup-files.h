/*
 * For the tests of what is read from a cgroup: plain files in a directory of their own, with what kernels have
 * been seen to write.
 */
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup/cgroup.h"
#include "unit.h"

static struct arena arena;
static struct error err;
static char top[64];

static inline void begin_files(void)
{
	err = (struct error){0};
	snprintf(top, sizeof(top), "/tmp/proa-files-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
}

static inline void end_files(void)
{
	char command[128];

	arena_release(&arena);
	snprintf(command, sizeof(command), "rm -rf %s", top);
	ck_assert_int_eq(system(command), 0);
}

/* The path of a directory below the top, in the arena. */
static inline const char *folder(const char *name)
{
	const char *path = arena_printf(&arena, "%s/%s", top, name);

	ck_assert(mkdir(path, 0755) == 0 || access(path, F_OK) == 0);
	return path;
}

static inline void put(const char *directory, const char *name, const char *text)
{
	int dir = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	dprintf(fd, "%s", text);
	close(fd);
	close(dir);
}
