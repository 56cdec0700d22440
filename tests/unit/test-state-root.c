#include "runtime/state-root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static char scratch[] = "/tmp/proa-test-root-XXXXXX";

static const char *below(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", scratch, name);
	return path;
}

static void begin(struct state_root *root)
{
	struct error err = {0};

	ck_assert_ptr_nonnull(mkdtemp(scratch));
	ck_assert_int_eq(state_root_open(root, scratch, true, &err), 0);
}

static void finish(struct state_root *root)
{
	char command[PATH_MAX];

	state_root_release(root);
	snprintf(command, sizeof(command), "rm -rf %s", scratch);
	ck_assert_int_eq(system(command), 0);
}

static void expect_path(const char *chosen, const char *variable, const char *expected)
{
	struct state_root root = {0};
	struct error err = {0};

	if (variable)
		setenv("XDG_RUNTIME_DIR", variable, 1);
	else
		unsetenv("XDG_RUNTIME_DIR");
	(void)state_root_open(&root, chosen, false, &err);
	state_root_release(&root);
	ck_assert_str_eq(root.path, expected);
}

TEST(is_found_by_the_option_or_the_environment)
{
	char own[64];

	snprintf(own, sizeof(own), geteuid() ? "/run/user/%u/proa" : "/run/proa", geteuid());
	expect_path("/x/y//", "/run/u", "/x/y");
	expect_path(NULL, "/run/u", "/run/u/proa");
	expect_path(NULL, "", own);
	expect_path(NULL, "not/absolute", own);
	expect_path(NULL, NULL, own);
}

TEST(is_taken_from_the_current_directory_when_relative)
{
	ck_assert_int_eq(chdir("/tmp"), 0);
	expect_path("no/such", NULL, "/tmp/no/such");
}

TEST(cannot_be_the_root_directory)
{
	struct state_root root;
	struct error err = {0};

	ck_assert_int_eq(state_root_open(&root, "//", true, &err), -EINVAL);
	ck_assert_str_eq(err.text, "the state directory cannot be /");
	ck_assert_int_eq(state_root_open(&root, "", true, &err), -EINVAL);
	ck_assert_str_eq(err.text, "--root is empty");
}

TEST(is_made_with_those_above_it_for_the_owner_alone)
{
	struct state_root root;
	struct error err = {0};
	struct stat status;

	umask(0);
	ck_assert_ptr_nonnull(mkdtemp(scratch));
	ck_assert_int_eq(state_root_open(&root, below("a/b"), true, &err), 0);
	ck_assert_int_eq(fstat(root.fd, &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0700);
	ck_assert_int_eq(stat(below("a"), &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0700);
	finish(&root);
}

TEST(is_sticky_in_the_users_runtime_directory)
{
	struct state_root root;
	struct error err = {0};
	struct stat status;

	ck_assert_ptr_nonnull(mkdtemp(scratch));
	setenv("XDG_RUNTIME_DIR", scratch, 1);
	ck_assert_int_eq(state_root_open(&root, NULL, true, &err), 0);
	ck_assert_int_eq(fstat(root.fd, &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 01700);
	finish(&root);
}

TEST(is_not_made_by_who_only_looks)
{
	struct state_root root;
	struct error err = {0};

	ck_assert_ptr_nonnull(mkdtemp(scratch));
	ck_assert_int_eq(state_root_open(&root, below("a"), false, &err), 0);
	ck_assert_int_eq(root.fd, -1);
	ck_assert_int_eq(access(below("a"), F_OK), -1);
	ck_assert_int_eq(container_directory_open(&root, "web", &err), -ENOENT);
	finish(&root);
}

TEST(is_refused_when_others_may_write_to_it)
{
	char text[256], hint[256];
	struct state_root root;
	struct error err = {0};

	ck_assert_ptr_nonnull(mkdtemp(scratch));
	chmod(scratch, 0770);
	ck_assert_int_eq(state_root_open(&root, scratch, true, &err), -EINVAL);
	snprintf(text, sizeof(text), "other users may write to the state directory %s", scratch);
	snprintf(hint, sizeof(hint), "chmod go-w %s", scratch);
	ck_assert_str_eq(err.text, text);
	ck_assert_str_eq(err.hint, hint);
	finish(&root);
}

TEST(is_refused_when_it_is_anothers)
{
	char text[256];
	struct state_root root;
	struct error err = {0};

	if (geteuid() != 0)
		return;
	ck_assert_ptr_nonnull(mkdtemp(scratch));
	ck_assert_int_eq(chown(scratch, 4321, 0), 0);
	ck_assert_int_eq(state_root_open(&root, scratch, true, &err), -EINVAL);
	snprintf(text, sizeof(text), "the state directory %s belongs to uid 4321, not to uid 0",
		 scratch);
	ck_assert_str_eq(err.text, text);
	finish(&root);
}

TEST(takes_ids_that_are_fit_for_a_directory)
{
	static const char *const good[] = {"a", "web-1", "_", "+x", "a..b", "A.b+c_d-9"};
	static const char *const bad[] = {"",	 ".",	 "..",	".a",	    "-x",
					  "a/b", "../a", "a b", "a\n",	    "a\\b",
					  "a:b", "a%s",	 "a*",	"\xc3\xa9", "a,b"};
	char name[CONTAINER_ID_MOST + 2];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(container_id_valid(good[i]), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!container_id_valid(bad[i]), "%s", bad[i]);
	memset(name, 'x', sizeof(name));
	name[CONTAINER_ID_MOST + 1] = '\0';
	ck_assert(!container_id_valid(name));
	name[CONTAINER_ID_MOST] = '\0';
	ck_assert(container_id_valid(name));
}

TEST(says_what_an_id_may_be)
{
	struct error err = {0};

	ck_assert_int_eq(container_id_validate("a/b", &err), -EINVAL);
	ck_assert_str_eq(err.text, "invalid container ID \"a/b\"");
	ck_assert_str_eq(err.hint,
			 "it is made of A-Z a-z 0-9 _ + - . and begins with neither - nor .");
}

TEST(says_that_a_container_does_not_exist)
{
	struct state_root root;
	struct error err = {0};
	char hint[256];

	begin(&root);
	ck_assert_int_eq(container_directory_open(&root, "web", &err), -ENOENT);
	snprintf(hint, sizeof(hint), "looked for it in %s", scratch);
	ck_assert_str_eq(err.text, "web: container does not exist");
	ck_assert_str_eq(err.hint, hint);
	finish(&root);
}

TEST(makes_a_container_once)
{
	struct state_root root;
	struct error err = {0};
	struct stat status;
	int fd;

	begin(&root);
	umask(0);
	fd = container_directory_make(&root, "web", &err);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0700);
	ck_assert_int_eq(container_directory_make(&root, "web", &err), -EEXIST);
	ck_assert_str_eq(err.text, "web: container with given ID already exists");
	close(fd);
	finish(&root);
}

TEST(does_not_follow_a_link_to_elsewhere)
{
	struct state_root root;
	struct error err = {0};

	begin(&root);
	ck_assert_int_eq(symlinkat("/tmp", root.fd, "web"), 0);
	ck_assert_int_lt(container_directory_open(&root, "web", &err), 0);
	finish(&root);
}

TEST(locks_a_container_until_its_directory_is_closed)
{
	struct state_root root;
	struct error err = {0};
	int made, opened;

	begin(&root);
	made = container_directory_make(&root, "web", &err);
	opened = container_directory_open(&root, "web", &err);
	ck_assert_int_eq(flock(opened, LOCK_EX | LOCK_NB), -1);
	close(made);
	ck_assert_int_eq(flock(opened, LOCK_EX | LOCK_NB), 0);
	close(opened);
	finish(&root);
}

/* Another process deletes the container while its lock is waited for. */
TEST(notices_that_a_container_went_while_its_lock_was_waited_for)
{
	struct state_root root;
	struct error err = {0};
	int made, status;
	pid_t child;

	begin(&root);
	made = container_directory_make(&root, "web", &err);
	child = fork();
	if (child == 0) {
		usleep(100 * 1000);
		_exit(unlinkat(root.fd, "web", AT_REMOVEDIR) == 0 ? 0 : 1);
	}
	close(made);
	ck_assert_int_eq(container_directory_lock(&root, "web", &err), -ENOENT);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_str_eq(err.text, "web: container does not exist");
	finish(&root);
}

RUN_TESTS("state-root", is_found_by_the_option_or_the_environment,
	  is_taken_from_the_current_directory_when_relative, cannot_be_the_root_directory,
	  is_made_with_those_above_it_for_the_owner_alone, is_sticky_in_the_users_runtime_directory,
	  is_not_made_by_who_only_looks, is_refused_when_others_may_write_to_it,
	  is_refused_when_it_is_anothers, takes_ids_that_are_fit_for_a_directory,
	  says_what_an_id_may_be, says_that_a_container_does_not_exist, makes_a_container_once,
	  does_not_follow_a_link_to_elsewhere, locks_a_container_until_its_directory_is_closed,
	  notices_that_a_container_went_while_its_lock_was_waited_for)
