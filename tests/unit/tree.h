/*
 * A directory that stands in for a container's root, for as long as one test runs.
 */
#pragma once

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct tree {
	char path[64];
	int fd;
};

static inline struct tree tree_make(void)
{
	struct tree tree = {.path = "/tmp/proa-test-XXXXXX"};

	ck_assert_ptr_nonnull(mkdtemp(tree.path));
	ck_assert_int_eq(chmod(tree.path, 0755), 0);
	tree.fd = open(tree.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(tree.fd, 0);
	return tree;
}

static inline void tree_directory(const struct tree *tree, const char *path, mode_t mode)
{
	ck_assert_int_eq(mkdirat(tree->fd, path, mode), 0);
}

static inline void tree_file(const struct tree *tree, const char *path, mode_t mode,
			     const char *text)
{
	int fd = openat(tree->fd, path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static inline void tree_link(const struct tree *tree, const char *path, const char *target)
{
	ck_assert_int_eq(symlinkat(target, tree->fd, path), 0);
}

static inline int tree_remove_one(const char *path, const struct stat *status, int type,
				  struct FTW *where)
{
	(void)status, (void)type, (void)where;
	return remove(path);
}

static inline void tree_remove(struct tree *tree)
{
	nftw(tree->path, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	close(tree->fd);
}
