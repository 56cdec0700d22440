#include "basic/file.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "child.h"
#include "tree.h"
#include "unit.h"

static struct tree tree;
static struct arena arena;
static struct error err;
static char *text;

static void begin(void)
{
	tree = tree_make();
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
}

static void finish(void)
{
	arena_release(&arena);
	tree_remove(&tree);
}

static ssize_t read_it(const char *path)
{
	return file_read(&arena, tree.fd, path, &text, &err);
}

static void expect_error(const char *path, int code, const char *why)
{
	ck_assert_int_eq(read_it(path), -code);
	ck_assert_str_eq(err.text, why);
}

static void expect_content(const char *path, const char *content)
{
	ck_assert_msg(read_it(path) >= 0, "%s", err.text);
	ck_assert_str_eq(text, content);
}

static mode_t mode_of(const char *path)
{
	struct stat status;

	ck_assert_int_eq(fstatat(tree.fd, path, &status, AT_SYMLINK_NOFOLLOW), 0);
	return status.st_mode;
}

/* Nothing is there but what these tests name themselves. */
static int count_names(void)
{
	int count = 0;
	DIR *directory = opendir(tree.path);

	ck_assert_ptr_nonnull(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count - 2;
}

/* -- read -------------------------------------------------------------------------------------- */

TEST(reads_a_file_and_ends_it)
{
	begin();
	tree_file(&tree, "file", 0644, "one\ntwo");
	tree_file(&tree, "empty", 0644, "");
	ck_assert_int_eq(read_it("file"), 7);
	ck_assert_str_eq(text, "one\ntwo");
	ck_assert_int_eq(read_it("empty"), 0);
	ck_assert_str_eq(text, "");
	finish();
}

TEST(reads_bytes_of_any_value)
{
	int fd;

	begin();
	fd = openat(tree.fd, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	ck_assert_int_eq(write(fd, "\0\xff\0", 3), 3);
	close(fd);
	ck_assert_int_eq(read_it("file"), 3);
	ck_assert_int_eq(memcmp(text, "\0\xff\0", 4), 0);
	finish();
}

static void set_length(const char *path, off_t length)
{
	int fd = openat(tree.fd, path, O_WRONLY | O_CLOEXEC);

	ck_assert_int_eq(ftruncate(fd, length), 0);
	close(fd);
}

TEST(reads_as_much_as_there_may_be_and_no_more)
{
	begin();
	tree_file(&tree, "file", 0644, "");
	set_length("file", FILE_MOST_BYTES);
	ck_assert_int_eq(read_it("file"), FILE_MOST_BYTES);
	set_length("file", FILE_MOST_BYTES + 1);
	expect_error("file", EINVAL, "file is larger than 16 MiB");
	finish();
}

TEST(says_so_when_the_memory_is_full)
{
	begin();
	tree_file(&tree, "file", 0644, "more than fits");
	ck_assert_ptr_nonnull(arena_alloc(&arena, arena.size - 16));
	expect_error("file", ENOMEM,
		     "more than 256 MiB of memory would be needed: cannot allocate memory");
	finish();
}

TEST(does_not_wait_for_a_fifo)
{
	begin();
	ck_assert_int_eq(mkfifoat(tree.fd, "fifo", 0600), 0);
	expect_error("fifo", EINVAL, "fifo is not a regular file");
	finish();
}

TEST(reads_no_directory_and_no_device)
{
	begin();
	tree_directory(&tree, "folder", 0755);
	expect_error("folder", EISDIR, "read folder: is a directory");
	expect_error("/dev/zero", EINVAL, "/dev/zero is not a regular file");
	expect_error("none", ENOENT, "open none: no such file or directory");
	expect_error("folder/none", ENOENT, "open folder/none: no such file or directory");
	finish();
}

TEST(reads_what_fits_of_a_small_file)
{
	char buffer[8];

	begin();
	tree_file(&tree, "file", 0644, "0123456789");
	ck_assert_int_eq(file_read_small(tree.fd, "file", buffer, sizeof(buffer)), 7);
	ck_assert_str_eq(buffer, "0123456");
	ck_assert_int_eq(file_read_small(tree.fd, "none", buffer, sizeof(buffer)), -ENOENT);
	ck_assert_str_eq(buffer, "");
	ck_assert_int_eq(mkfifoat(tree.fd, "fifo", 0600), 0);
	ck_assert_int_eq(file_read_small(tree.fd, "fifo", buffer, sizeof(buffer)), 0);
	/* /proc says that its files have no length. */
	ck_assert_int_gt(file_read_small(AT_FDCWD, "/proc/self/stat", buffer, sizeof(buffer)), 0);
	finish();
}

/* -- write ------------------------------------------------------------------------------------- */

TEST(writes_to_what_is_there)
{
	begin();
	tree_file(&tree, "file", 0644, "old");
	ck_assert_int_eq(file_write(tree.fd, "file", "new"), 0);
	expect_content("file", "new");
	/* As a kernel's file is written: from its beginning, nothing is cut off. */
	ck_assert_int_eq(file_write(tree.fd, "file", "N"), 0);
	expect_content("file", "New");
	ck_assert_int_eq(file_write(tree.fd, "none", "new"), -ENOENT);
	ck_assert_int_eq(count_names(), 1);
	finish();
}

/* Takes a few bytes at a time, and tells whether all were there. */
static _Noreturn void read_slowly(int from, size_t expected)
{
	char piece[777];
	size_t sum = 0;
	ssize_t count;

	while ((count = read(from, piece, sizeof(piece))) > 0)
		sum += (size_t)count;
	_exit(sum == expected ? 0 : 1);
}

TEST(writes_everything_however_slow_the_reader_is)
{
	static char bytes[300000];
	int ends[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		close(ends[1]);
		read_slowly(ends[0], sizeof(bytes));
	}
	close(ends[0]);
	ck_assert_int_eq(file_write_all(ends[1], bytes, sizeof(bytes)), 0);
	close(ends[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

TEST(tells_when_nobody_reads)
{
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	ck_assert_int_eq(file_write_all(ends[1], "x", 1), -EPIPE);
	close(ends[1]);
}

/* -- replace ----------------------------------------------------------------------------------- */

TEST(makes_a_file_or_replaces_it)
{
	mode_t mask = umask(0);

	begin();
	ck_assert_int_eq(file_replace(tree.fd, "record", "one", 0600, &err), 0);
	expect_content("record", "one");
	ck_assert_uint_eq(mode_of("record"), S_IFREG | 0600);
	ck_assert_int_eq(file_replace(tree.fd, "record", "2", 0644, &err), 0);
	expect_content("record", "2");
	ck_assert_uint_eq(mode_of("record"), S_IFREG | 0644);
	ck_assert_int_eq(count_names(), 1);
	finish();
	umask(mask);
}

/* A link in its place is exchanged, what it leads to is not touched. */
TEST(replaces_a_link_and_not_its_target)
{
	begin();
	tree_file(&tree, "target", 0644, "safe");
	tree_link(&tree, "record", "target");
	tree_link(&tree, ".record.new", "target");
	ck_assert_int_eq(file_replace(tree.fd, "record", "new", 0600, &err), 0);
	expect_content("target", "safe");
	expect_content("record", "new");
	ck_assert_uint_eq(mode_of("record"), S_IFREG | 0600);
	ck_assert_int_eq(count_names(), 2);
	finish();
}

TEST(writes_over_what_a_killed_writer_left)
{
	begin();
	tree_file(&tree, ".record.new", 0400, "a longer half of what was to be");
	ck_assert_int_eq(file_replace(tree.fd, "record", "whole", 0600, &err), 0);
	expect_content("record", "whole");
	ck_assert_int_eq(count_names(), 1);
	finish();
}

static int replace_on_a_full_disk(void *context, struct error *e)
{
	const struct rlimit none = {.rlim_cur = 4, .rlim_max = 4};

	(void)context;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &none);
	return file_replace(tree.fd, "record", "too long", 0600, e);
}

TEST(leaves_the_old_file_when_it_fails)
{
	begin();
	tree_file(&tree, "record", 0600, "old");
	ck_assert_int_eq(in_child(replace_on_a_full_disk, NULL, &err), -EFBIG);
	ck_assert_str_eq(err.text, "write record: file too large");
	expect_content("record", "old");
	ck_assert_int_eq(count_names(), 1);
	tree_directory(&tree, "folder", 0755);
	ck_assert_int_eq(file_replace(tree.fd, "folder", "new", 0600, &err), -EISDIR);
	ck_assert_str_eq(err.text, "write folder: is a directory");
	ck_assert_int_eq(count_names(), 2);
	finish();
}

/* Whoever reads meanwhile sees one or the other, whole. */
static _Noreturn void replace_for_ever(const char *one, const char *other)
{
	for (;;) {
		(void)file_replace(tree.fd, "record", one, 0600, &err);
		(void)file_replace(tree.fd, "record", other, 0600, &err);
	}
}

TEST(is_whole_at_every_moment)
{
	char one[2001] = "", other[3001] = "", seen[4000];
	pid_t pid;

	begin();
	memset(one, '1', sizeof(one) - 1);
	memset(other, '2', sizeof(other) - 1);
	ck_assert_int_eq(file_replace(tree.fd, "record", one, 0600, &err), 0);
	pid = fork();
	if (pid == 0)
		replace_for_ever(one, other);
	for (int i = 0; i < 2000; i++) {
		ck_assert_int_gt(file_read_small(tree.fd, "record", seen, sizeof(seen)), 0);
		ck_assert(strcmp(seen, one) == 0 || strcmp(seen, other) == 0);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	(void)unlinkat(tree.fd, ".record.new", 0);
	ck_assert_int_eq(count_names(), 1);
	finish();
}

/* A pipe gives it piece by piece, and more than is read at first. */
static ssize_t read_from_pipe(size_t size)
{
	char block[4096];
	ssize_t length;
	int ends[2];
	pid_t pid;

	memset(block, 'x', sizeof(block));
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		for (; size > 0; size -= size < sizeof(block) ? size : sizeof(block))
			if (file_write_all(ends[1], block,
					   size < sizeof(block) ? size : sizeof(block)) < 0)
				_exit(1);
		_exit(0);
	}
	close(ends[1]);
	length = file_read_stream(&arena, ends[0], "a pipe", &text, &err);
	close(ends[0]);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	return length;
}

TEST(reads_a_pipe_to_its_end)
{
	begin();
	ck_assert_int_eq(read_from_pipe(0), 0);
	ck_assert_str_eq(text, "");
	ck_assert_int_eq(read_from_pipe(5), 5);
	ck_assert_str_eq(text, "xxxxx");
	ck_assert_int_eq(read_from_pipe(65536), 65536);
	ck_assert_int_eq(read_from_pipe(300000), 300000);
	ck_assert_uint_eq(strlen(text), 300000);
	ck_assert_int_eq(read_from_pipe(FILE_MOST_BYTES), FILE_MOST_BYTES);
	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(read_from_pipe(FILE_MOST_BYTES + 1), -EINVAL);
	ck_assert_str_eq(err.text, "a pipe is larger than 16 MiB");
	ck_assert_int_eq(file_read_stream(&arena, -1, "nothing", &text, &err), -EBADF);
	ck_assert_str_eq(err.text, "read nothing: bad file descriptor");
	finish();
}

TEST(makes_a_file_that_is_not_there)
{
	begin();
	ck_assert_int_eq(file_make(tree.fd, "new", "a\0b", 3, &err), 0);
	ck_assert_int_eq(read_it("new"), 3);
	ck_assert_int_eq(memcmp(text, "a\0b", 3), 0);
	ck_assert_int_eq(file_make(tree.fd, "new", "c", 1, &err), -EEXIST);
	ck_assert_str_eq(err.text, "make new: file exists");
	finish();
}

TEST(goes_through_no_link_where_it_must_not)
{
	begin();
	tree_directory(&tree, "there", 0755);
	tree_file(&tree, "there/file", 0644, "text");
	ck_assert_int_eq(symlinkat("there", tree.fd, "folder"), 0);
	ck_assert_int_eq(symlinkat("there/file", tree.fd, "name"), 0);
	ck_assert_int_eq(file_read_beneath(&arena, tree.fd, "there/file", &text, &err), 4);
	ck_assert_str_eq(text, "text");
	ck_assert_int_eq(file_read_beneath(&arena, tree.fd, "folder/file", &text, &err), -ELOOP);
	ck_assert_int_eq(file_read_beneath(&arena, tree.fd, "name", &text, &err), -ELOOP);
	ck_assert_int_eq(file_read_beneath(&arena, tree.fd, "../x", &text, &err), -EXDEV);
	ck_assert_int_eq(file_read_beneath(&arena, tree.fd, "missing", &text, &err), -ENOENT);
	finish();
}

static void expect_beneath(size_t length)
{
	set_length("file", length);
	ck_assert_int_eq(file_read_beneath(&arena, tree.fd, "file", &text, &err), (int)length);
	ck_assert_int_eq(text[length], '\0');
}

TEST(reads_a_short_file_by_one_call_and_any_other_as_well)
{
	begin();
	tree_file(&tree, "file", 0644, "");
	for (size_t length = 0; length < 3; length++)
		expect_beneath(length);
	for (size_t length = 4093; length < 4099; length++)
		expect_beneath(length);
	expect_beneath(100000);
	tree_directory(&tree, "folder", 0755);
	ck_assert_int_eq(file_read_beneath(&arena, tree.fd, "folder", &text, &err), -EISDIR);
	ck_assert_str_eq(err.text, "read folder: is a directory");
	ck_assert_int_eq(mkfifoat(tree.fd, "fifo", 0600), 0);
	ck_assert_int_eq(file_read_beneath(&arena, tree.fd, "fifo", &text, &err), -EINVAL);
	ck_assert_str_eq(err.text, "fifo is not a regular file");
	finish();
}

/* What has been read and is not kept is given back as it was. */
TEST(leaves_no_bytes_of_what_it_refuses)
{
	int devices = openat(AT_FDCWD, "/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *piece;

	begin();
	ck_assert_int_eq(file_read_beneath(&arena, devices, "urandom", &text, &err), -EINVAL);
	ck_assert_str_eq(err.text, "urandom is not a regular file");
	piece = arena_alloc(&arena, 8192);
	for (size_t i = 0; i < 8192; i++)
		ck_assert_int_eq(piece[i], '\0');
	close(devices);
	finish();
}

RUN_TESTS("file", goes_through_no_link_where_it_must_not,
	  reads_a_short_file_by_one_call_and_any_other_as_well, leaves_no_bytes_of_what_it_refuses,
	  makes_a_file_that_is_not_there, reads_a_file_and_ends_it, reads_bytes_of_any_value,
	  reads_as_much_as_there_may_be_and_no_more, says_so_when_the_memory_is_full,
	  does_not_wait_for_a_fifo, reads_no_directory_and_no_device,
	  reads_what_fits_of_a_small_file, writes_to_what_is_there,
	  writes_everything_however_slow_the_reader_is, tells_when_nobody_reads,
	  makes_a_file_or_replaces_it, replaces_a_link_and_not_its_target,
	  writes_over_what_a_killed_writer_left, leaves_the_old_file_when_it_fails,
	  is_whole_at_every_moment, reads_a_pipe_to_its_end)
