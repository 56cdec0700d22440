/* A folder that looks like a procfs with the attributes of the calling process, for what is written there. */
#pragma once

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct attributes {
	char path[64];
	int fd; /* in place of container->proc_fd */
};

static inline void attributes_put(const struct attributes *proc, const char *name, const char *text)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "self/attr/%s", name);
	fd = openat(proc->fd, path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static inline void attributes_begin(struct attributes *proc)
{
	static const char *const folders[] = {"42", "42/attr", "42/attr/apparmor"};
	static const char *const files[] = {"current", "exec", "keycreate", "apparmor/current",
					    "apparmor/exec"};

	snprintf(proc->path, sizeof(proc->path), "/tmp/proa-unit.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(proc->path));
	proc->fd = open(proc->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		ck_assert_int_eq(mkdirat(proc->fd, folders[i], 0755), 0);
	ck_assert_int_eq(symlinkat("42", proc->fd, "self"), 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		attributes_put(proc, files[i], "");
}

/* As on a kernel before 5.8, where AppArmor has no folder of its own. */
static inline void attributes_share(const struct attributes *proc)
{
	ck_assert_int_eq(unlinkat(proc->fd, "self/attr/apparmor/current", 0), 0);
	ck_assert_int_eq(unlinkat(proc->fd, "self/attr/apparmor/exec", 0), 0);
	ck_assert_int_eq(unlinkat(proc->fd, "self/attr/apparmor", AT_REMOVEDIR), 0);
}

static inline void attributes_end(struct attributes *proc)
{
	char command[96];

	close(proc->fd);
	snprintf(command, sizeof(command), "rm -rf %s", proc->path);
	ck_assert_int_eq(system(command), 0);
}
