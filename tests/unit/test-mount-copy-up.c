#include <errno.h>
#include <sys/time.h>

#include "linux/mounts.h"
#include "scratch.h"
#include "tree.h"
#include "unit.h"

static struct tree from, to;
static struct error err;

static void begin(void)
{
	from = tree_make();
	to = tree_make();
}

static void end(void)
{
	tree_remove(&from);
	tree_remove(&to);
}

static int copy(void)
{
	int proc = open("/proc", O_PATH | O_CLOEXEC);
	int r = mount_copy_up(proc, from.fd, to.fd, &err);

	close(proc);
	return r;
}

static struct stat look(const char *name)
{
	struct stat status = {0};

	ck_assert_msg(fstatat(to.fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0, "%s", name);
	return status;
}

static const char *copied(const char *name)
{
	char path[ROOM];

	snprintf(path, sizeof(path), "%s/%s", to.path, name);
	return content(path);
}

TEST(copies_files_directories_and_links)
{
	char target[16] = "";

	begin();
	tree_directory(&from, "d", 0700);
	tree_directory(&from, "d/e", 0755);
	tree_file(&from, "d/e/f", 0640, "text");
	tree_file(&from, "empty", 0600, "");
	tree_link(&from, "link", "/etc/shadow");
	ck_assert_msg(copy() == 0, "%s", err.text);
	ck_assert_str_eq(copied("d/e/f"), "text");
	ck_assert_uint_eq(look("d").st_mode, S_IFDIR | 0700);
	ck_assert_uint_eq(look("d/e/f").st_mode, S_IFREG | 0640);
	ck_assert_int_eq(look("empty").st_size, 0);
	ck_assert_int_eq(readlinkat(to.fd, "link", target, sizeof(target)), 11);
	ck_assert_str_eq(target, "/etc/shadow");
	end();
}

TEST(copies_times_of_directories_as_well)
{
	const struct timespec times[] = {{1, 0}, {2, 3}};

	begin();
	tree_directory(&from, "d", 0755);
	tree_file(&from, "d/f", 0644, "x");
	ck_assert_int_eq(utimensat(from.fd, "d/f", times, 0), 0);
	ck_assert_int_eq(utimensat(from.fd, "d", times, 0), 0);
	ck_assert_int_eq(copy(), 0);
	ck_assert_int_eq(look("d").st_mtim.tv_sec, 2);
	ck_assert_int_eq(look("d/f").st_mtim.tv_nsec, 3);
	end();
}

/* A FIFO that was opened would wait for somebody to write. */
TEST(makes_a_fifo_and_does_not_open_it)
{
	begin();
	ck_assert_int_eq(mkfifoat(from.fd, "fifo", 0600), 0);
	ck_assert_int_eq(copy(), 0);
	ck_assert_uint_eq(look("fifo").st_mode, S_IFIFO | 0600);
	end();
}

TEST(keeps_holes)
{
	int fd;

	begin();
	tree_file(&from, "f", 0644, "begin");
	fd = openat(from.fd, "f", O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(pwrite(fd, "end", 3, 1 << 30), 3);
	close(fd);
	ck_assert_int_eq(copy(), 0);
	ck_assert_int_eq(look("f").st_size, (1 << 30) + 3);
	ck_assert_int_lt(look("f").st_blocks, 100);
	end();
}

TEST(reads_directories_of_many_entries)
{
	char name[32];

	begin();
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "some-longer-name-%d", i);
		tree_file(&from, name, 0644, name);
	}
	ck_assert_int_eq(copy(), 0);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "some-longer-name-%d", i);
		ck_assert_str_eq(copied(name), name);
	}
	end();
}

TEST(tells_what_could_not_be_copied)
{
	begin();
	tree_directory(&from, "d", 0755);
	tree_file(&from, "d/f", 0644, "x");
	tree_directory(&to, "d", 0755);
	ck_assert_int_eq(copy(), -EEXIST);
	ck_assert_str_eq(err.text, "copy d: file exists");
	end();
}

static int copy_to_full(void *context, struct error *e)
{
	(void)context;
	skip_unless(geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
		    sys_mount_propagation("/", MS_REC | MS_PRIVATE) == 0 &&
		    sys_mount("tmpfs", to.path, "tmpfs", 0, "size=4k") == 0);
	close(to.fd);
	to.fd = open(to.path, O_PATH | O_CLOEXEC);
	copy();
	*e = err;
	return -err.code;
}

TEST(stops_when_it_is_full)
{
	static char text[20000];
	int r;

	begin();
	memset(text, 'x', sizeof(text) - 1);
	tree_file(&from, "f", 0644, text);
	r = in_child(copy_to_full, NULL, &err);
	if (r != CHILD_SKIPPED) {
		ck_assert_int_eq(r, -ENOSPC);
		ck_assert_str_eq(err.text, "copy f: no space left on device");
		ck_assert_str_eq(err.hint,
				 "the tmpfs is too small; see its options size and nr_inodes");
	}
	end();
}

TEST(does_not_go_down_without_end)
{
	int directory;

	begin();
	directory = dup(from.fd);
	for (int i = 0; i < 101; i++) {
		int next;

		ck_assert_int_eq(mkdirat(directory, "d", 0755), 0);
		next = openat(directory, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close(directory);
		directory = next;
	}
	close(directory);
	ck_assert_int_eq(copy(), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "d/d/d: more than 100 levels of directories"));
	end();
}

RUN_TESTS("mount-copy-up", copies_files_directories_and_links, copies_times_of_directories_as_well,
	  makes_a_fifo_and_does_not_open_it, keeps_holes, reads_directories_of_many_entries,
	  tells_what_could_not_be_copied, stops_when_it_is_full, does_not_go_down_without_end)
