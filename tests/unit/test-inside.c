#include "basic/inside.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>

#include "basic/cleanup.h"
#include "basic/clock.h"
#include "basic/syscalls.h"
#include "liar.h"
#include "tree.h"
#include "unit.h"

/*
 * A hostile root beside what it must not reach:
 *
 *	rootfs/		the root
 *	host/canary	never to be opened
 *	host/empty/	nothing may ever be made in it
 */
static struct tree tree;
static int root;
static struct error err;

static void begin(void)
{
	tree = tree_make();
	tree_directory(&tree, "rootfs", 0755);
	tree_directory(&tree, "host", 0755);
	tree_directory(&tree, "host/empty", 0755);
	tree_file(&tree, "host/canary", 0644, "secret");
	tree_directory(&tree, "rootfs/etc", 0755);
	tree_file(&tree, "rootfs/etc/file", 0644, "text");
	root = openat(tree.fd, "rootfs", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(root, 0);
}

static void finish(void)
{
	close(root);
	tree_remove(&tree);
}

static void link_in_root(const char *name, const char *target)
{
	ck_assert_int_eq(symlinkat(target, root, name), 0);
}

/* The path on the host of one of its things. */
static const char *host(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/host/%s", tree.path, name);
	return path;
}

static bool is_same(int fd, int dir, const char *path)
{
	struct stat one, other;

	ck_assert_int_eq(fstat(fd, &one), 0);
	ck_assert_int_eq(fstatat(dir, path, &other, 0), 0);
	return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static mode_t mode_of(const char *path)
{
	struct stat status;

	ck_assert_int_eq(fstatat(root, path, &status, AT_SYMLINK_NOFOLLOW), 0);
	return status.st_mode;
}

/* It succeeded, with what is at path inside, close-on-exec. */
static void expect_inside(int fd, const char *path)
{
	ck_assert_msg(fd >= 0, "%s", err.text);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert(is_same(fd, root, path));
	close(fd);
}

static void expect_error(int r, int code, const char *text)
{
	ck_assert_int_eq(r, -code);
	ck_assert_str_eq(err.text, text);
}

/* -- what is there ----------------------------------------------------------------------------- */

TEST(opens_what_is_there_with_or_without_a_slash)
{
	begin();
	expect_inside(inside_open(root, "/etc/file", O_RDONLY, &err), "etc/file");
	expect_inside(inside_open(root, "etc/file", O_RDONLY, &err), "etc/file");
	expect_inside(inside_open(root, "", O_PATH, &err), ".");
	expect_inside(inside_open(root, "/", O_PATH, &err), ".");
	finish();
}

TEST(tells_what_is_missing)
{
	begin();
	expect_error(inside_open(root, "/none", O_RDONLY, &err), ENOENT,
		     "open /none in the container: no such file or directory");
	ck_assert_int_eq(inside_try(root, "/none", O_RDONLY), -ENOENT);
	finish();
}

TEST(takes_every_link_for_one_inside)
{
	begin();
	link_in_root("absolute", "/etc/file");
	link_in_root("upwards", "../../../../../../etc/file");
	link_in_root("etc/up", "../../../..");
	expect_inside(inside_open(root, "absolute", O_RDONLY, &err), "etc/file");
	expect_inside(inside_open(root, "upwards", O_RDONLY, &err), "etc/file");
	expect_inside(inside_open(root, "etc/up", O_PATH, &err), ".");
	expect_inside(inside_open(root, "/etc/up/../../etc/file", O_RDONLY, &err), "etc/file");
	finish();
}

TEST(does_not_reach_the_host_through_any_path)
{
	char path[256];

	begin();
	link_in_root("absolute", host("canary"));
	link_in_root("relative", "../host/canary");
	link_in_root("folder", "../host");
	ck_assert_int_eq(inside_try(root, "absolute", O_RDONLY), -ENOENT);
	ck_assert_int_eq(inside_try(root, "relative", O_RDONLY), -ENOENT);
	ck_assert_int_eq(inside_try(root, "folder/canary", O_RDONLY), -ENOENT);
	ck_assert_int_eq(inside_try(root, host("canary"), O_RDONLY), -ENOENT);
	ck_assert_int_eq(inside_try(root, "../host/canary", O_RDONLY), -ENOENT);
	ck_assert_int_eq(inside_try(root, "etc/../../host/canary", O_RDONLY), -ENOENT);
	snprintf(path, sizeof(path), "/../../../../../..%s", host("canary"));
	ck_assert_int_eq(inside_try(root, path, O_RDONLY), -ENOENT);
	finish();
}

/* /proc/self/root and its like lead anywhere, whatever the path before them was. */
TEST(does_not_follow_the_links_of_proc)
{
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_ge(proc, 0);
	ck_assert_int_eq(inside_try(proc, "self/root/etc", O_PATH), -ELOOP);
	ck_assert_int_eq(inside_try(proc, "self/cwd", O_PATH), -ELOOP);
	ck_assert_int_eq(inside_make_directory(proc, "self/root/tmp", 0755, &err), -ELOOP);
	close(proc);
}

TEST(gives_up_on_links_in_a_circle)
{
	begin();
	link_in_root("one", "two");
	link_in_root("two", "one");
	ck_assert_int_eq(inside_try(root, "one", O_RDONLY), -ELOOP);
	expect_error(inside_make_directory(root, "one/x", 0755, &err), ELOOP,
		     "open one/x in the container: too many levels of symbolic links");
	expect_error(inside_make_file(root, "one", 0644, &err), ELOOP,
		     "open one in the container: too many levels of symbolic links");
	finish();
}

TEST(does_not_wait_for_the_other_side_of_a_fifo)
{
	begin();
	ck_assert_int_eq(mkfifoat(root, "fifo", 0600), 0);
	expect_inside(inside_open(root, "fifo", O_PATH, &err), "fifo");
	expect_inside(inside_make_file(root, "fifo", 0644, &err), "fifo");
	ck_assert_int_eq(inside_make_directory(root, "fifo", 0755, &err), -ENOTDIR);
	ck_assert_int_eq(inside_make_directory(root, "fifo/x", 0755, &err), -ENOTDIR);
	finish();
}

/* -- what is made ------------------------------------------------------------------------------ */

TEST(makes_what_is_missing_of_a_directory)
{
	mode_t mask = umask(0);

	begin();
	expect_inside(inside_make_directory(root, "/new/b//c/./d/", 0750, &err), "new/b/c/d");
	ck_assert_uint_eq(mode_of("new"), S_IFDIR | 0750);
	ck_assert_uint_eq(mode_of("new/b/c/d"), S_IFDIR | 0750);
	expect_inside(inside_make_directory(root, "etc", 0700, &err), "etc");
	ck_assert_uint_eq(mode_of("etc"), S_IFDIR | 0755);
	expect_inside(inside_make_directory(root, "", 0755, &err), ".");
	expect_inside(inside_make_directory(root, "/", 0755, &err), ".");
	finish();
	umask(mask);
}

TEST(makes_a_file_and_what_is_above_it)
{
	mode_t mask = umask(0);

	begin();
	expect_inside(inside_make_file(root, "/a/b/new", 0640, &err), "a/b/new");
	ck_assert_uint_eq(mode_of("a"), S_IFDIR | 0755);
	ck_assert_uint_eq(mode_of("a/b/new"), S_IFREG | 0640);
	expect_inside(inside_make_file(root, "top", 0, &err), "top");
	ck_assert_uint_eq(mode_of("top"), S_IFREG);
	expect_inside(inside_make_file(root, "/etc/file", 0600, &err), "etc/file");
	ck_assert_uint_eq(mode_of("etc/file"), S_IFREG | 0644);
	finish();
	umask(mask);
}

TEST(makes_the_parent_and_names_the_rest)
{
	const char *name = NULL;

	begin();
	expect_inside(inside_make_parent(root, "/p/q/node", &name, &err), "p/q");
	ck_assert_str_eq(name, "node");
	ck_assert_int_eq(faccessat(root, "p/q/node", F_OK, 0), -1);
	expect_inside(inside_make_parent(root, "node", &name, &err), ".");
	ck_assert_str_eq(name, "node");
	expect_inside(inside_make_parent(root, "/node", &name, &err), ".");
	expect_error(inside_make_parent(root, "/", &name, &err), EINVAL, "/ does not name a file");
	expect_error(inside_make_parent(root, "a/..", &name, &err), EINVAL,
		     "a/.. does not name a file");
	expect_error(inside_make_parent(root, "etc/.", &name, &err), EINVAL,
		     "etc/. does not name a file");
	expect_error(inside_make_parent(root, "", &name, &err), EINVAL, " does not name a file");
	finish();
}

TEST(adds_what_is_missing_where_the_rest_is_there)
{
	begin();
	expect_inside(inside_add(root, "/etc/new", S_IFREG | 0640), "etc/new");
	expect_inside(inside_add(root, "etc/folder", S_IFDIR | 0700), "etc/folder");
	expect_inside(inside_add(root, "top", S_IFDIR | 0700), "top");
	ck_assert_int_eq(inside_add(root, "/etc/new", S_IFREG | 0640), -EEXIST);
	ck_assert_int_eq(inside_add(root, "missing/new", S_IFDIR | 0700), -ENOENT);
	ck_assert_int_eq(inside_add(root, "etc/..", S_IFDIR | 0700), -EEXIST);
	link_in_root("dangling", host("empty/made"));
	ck_assert_int_eq(inside_add(root, "dangling", S_IFREG | 0640), -EEXIST);
	link_in_root("out", host("empty"));
	ck_assert_int_eq(inside_add(root, "out/made", S_IFREG | 0640), -ENOENT);
	ck_assert_int_lt(faccessat(tree.fd, "host/empty/made", F_OK, 0), 0);
	finish();
}

TEST(makes_through_links_inside_alone)
{
	begin();
	link_in_root("absolute", "/etc");
	link_in_root("upwards", "../../../etc");
	expect_inside(inside_make_directory(root, "absolute/one", 0755, &err), "etc/one");
	expect_inside(inside_make_directory(root, "upwards/two", 0755, &err), "etc/two");
	expect_inside(inside_make_file(root, "upwards/three", 0644, &err), "etc/three");
	expect_inside(inside_make_directory(root, "../four", 0755, &err), "four");
	finish();
}

/* Whatever is made or refused, it is not on the host. */
static void expect_nothing_made(void)
{
	ck_assert_int_eq(unlinkat(tree.fd, "host/empty", AT_REMOVEDIR), 0);
	ck_assert_int_eq(unlinkat(tree.fd, "host/canary", 0), 0);
	ck_assert_int_eq(unlinkat(tree.fd, "host", AT_REMOVEDIR), 0);
}

TEST(makes_nothing_on_the_host)
{
	const char *name;

	begin();
	link_in_root("absolute", host("empty"));
	link_in_root("relative", "../host/empty");
	link_in_root("dangling", host("empty/new"));
	link_in_root("etc/dangling", "../../host/empty/new");
	expect_error(inside_make_directory(root, "absolute/new", 0755, &err), ENOENT,
		     "open absolute in the container: no such file or directory");
	expect_error(inside_make_directory(root, "relative/new/more", 0755, &err), ENOENT,
		     "open relative in the container: no such file or directory");
	expect_error(inside_make_directory(root, "dangling", 0755, &err), ENOENT,
		     "open dangling in the container: no such file or directory");
	ck_assert_int_eq(inside_make_directory(root, "etc/dangling", 0755, &err), -ENOENT);
	ck_assert_int_eq(inside_make_file(root, "absolute/new", 0644, &err), -ENOENT);
	ck_assert_int_eq(inside_make_file(root, "relative/new", 0644, &err), -ENOENT);
	ck_assert_int_eq(inside_make_parent(root, "relative/new", &name, &err), -ENOENT);
	close(inside_make_file(root, "dangling", 0644, &err));
	close(inside_make_file(root, "etc/dangling", 0644, &err));
	close(inside_make_directory(root, "../host/empty/new", 0755, &err));
	expect_nothing_made();
	finish();
}

TEST(does_not_go_up_from_what_is_not_there)
{
	begin();
	expect_error(inside_make_directory(root, "none/../x", 0755, &err), EINVAL,
		     "none/.. does not exist in the container");
	finish();
}

TEST(refuses_a_file_in_the_way)
{
	begin();
	expect_error(inside_make_directory(root, "etc/file/x", 0755, &err), ENOTDIR,
		     "open etc/file/x in the container: not a directory");
	ck_assert_int_eq(inside_make_file(root, "etc/file/x", 0644, &err), -ENOTDIR);
	finish();
}

TEST(refuses_names_and_paths_that_are_too_long)
{
	static char path[PATH_MAX + 100];
	const char *name;

	begin();
	memset(path, 'x', NAME_MAX + 1);
	ck_assert_int_eq(inside_make_directory(root, path, 0755, &err), -ENAMETOOLONG);
	ck_assert_int_eq(inside_make_file(root, path, 0644, &err), -ENAMETOOLONG);
	for (size_t i = 0; i < sizeof(path) - 1; i++)
		path[i] = i % 2 ? '/' : 'x';
	ck_assert_int_eq(inside_make_directory(root, path, 0755, &err), -ENAMETOOLONG);
	ck_assert_int_eq(inside_make_parent(root, path, &name, &err), -ENAMETOOLONG);
	ck_assert_int_eq(faccessat(root, "x", F_OK, 0), -1);
	finish();
}

/* -- a race ------------------------------------------------------------------------------------ */

/* Until it is killed: etc is a directory one moment, a link out of the root the next. */
static _Noreturn void exchange_for_ever(void)
{
	for (;;)
		renameat2(root, "etc", root, "trap", RENAME_EXCHANGE);
}

/* One round of everything; what is opened is what stands inside, or an error. */
static int try_everything(int round)
{
	const char *const reads[] = {"etc/canary", "etc/../etc/canary", "etc/dir/../canary"};
	char name[64];
	int fd, made = 0;

	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		fd = inside_try(root, reads[i], O_RDONLY);
		if (fd >= 0)
			ck_assert(!is_same(fd, tree.fd, "host/canary"));
		close_fd(&fd);
	}
	snprintf(name, sizeof(name), "etc/dir/%d/x", round % 64);
	fd = inside_make_directory(root, name, 0755, &err);
	made += fd >= 0;
	close_fd(&fd);
	snprintf(name, sizeof(name), "etc/empty/%d/file", round % 64);
	fd = inside_make_file(root, name, 0644, &err);
	made += fd >= 0;
	close_fd(&fd);
	return made;
}

TEST(is_not_led_out_by_somebody_who_exchanges_directories)
{
	uint64_t end = clock_milliseconds() + 800;
	int made = 0;
	pid_t pid;

	begin();
	tree_directory(&tree, "rootfs/etc/dir", 0755);
	tree_file(&tree, "rootfs/etc/canary", 0644, "no secret");
	link_in_root("trap", "../host");
	pid = fork();
	if (pid == 0)
		exchange_for_ever();
	for (int round = 0; clock_milliseconds() < end; round++)
		made += try_everything(round);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ck_assert_int_gt(made, 0);
	expect_nothing_made();
	finish();
}

static int give_up(void *context, struct error *e)
{
	answer(SYS_openat2, ANY_ARGUMENT, *(unsigned int *)context);
	if (inside_try(root, "etc", O_PATH) != -(int)*(unsigned int *)context)
		return 1;
	return inside_make_directory(root, "new/more", 0755, e);
}

/* The kernel says EAGAIN as long as somebody renames anything anywhere: an attacker need not stop. */
TEST(tries_again_but_not_for_ever)
{
	unsigned int code = EAGAIN;
	int r;

	begin();
	r = in_child(give_up, &code, &err);
	ck_assert(r == -EAGAIN || r == CHILD_SKIPPED);
	code = EINTR;
	r = in_child(give_up, &code, &err);
	ck_assert(r == -EINTR || r == CHILD_SKIPPED);
	finish();
}

RUN_TESTS("inside", tries_again_but_not_for_ever, opens_what_is_there_with_or_without_a_slash,
	  tells_what_is_missing, takes_every_link_for_one_inside,
	  does_not_reach_the_host_through_any_path, does_not_follow_the_links_of_proc,
	  gives_up_on_links_in_a_circle, does_not_wait_for_the_other_side_of_a_fifo,
	  makes_what_is_missing_of_a_directory, makes_a_file_and_what_is_above_it,
	  makes_the_parent_and_names_the_rest, adds_what_is_missing_where_the_rest_is_there,
	  makes_through_links_inside_alone, makes_nothing_on_the_host,
	  does_not_go_up_from_what_is_not_there, refuses_a_file_in_the_way,
	  refuses_names_and_paths_that_are_too_long,
	  is_not_led_out_by_somebody_who_exchanges_directories)
