#include "criu/call.h"

#include <sys/resource.h>

#include "fake-criu.h"

/* -- requests and answers ---------------------------------------------------------------------- */

TEST(asks_and_takes_the_answer)
{
	const struct criu_options options = {.images = 4, .leave_running = true};

	begin();
	criu_hears();
	criu_answers(BYTES("\x08\x01\x10\x01\x1a\x02\x08\x00"));
	ck_assert_int_eq(criu_ask(&call, CRIU_DUMP, &options, &answer, &err), 0);
	ck_assert(answer.success);
	ck_assert_int_eq(answer.code, 0);
	ck_assert_int_gt(call.pid, 0);
	expect_heard(BYTES("\x08\x01\x12\x04\x08\x04\x18\x01"));
	expect_heard_all();
	finish();
}

TEST(tells_what_criu_failed_with)
{
	begin();
	criu_hears();
	criu_answers(BYTES("\x08\x02\x10\x00\x38\x0d"));
	ck_assert_int_eq(ask(CRIU_RESTORE), 0);
	ck_assert(!answer.success);
	ck_assert_int_eq(answer.code, EACCES);
	expect_heard(BYTES("\x08\x02"));
	finish();
}

TEST(asks_for_the_version)
{
	begin();
	criu_hears();
	criu_answers(BYTES("\x08\x0a\x10\x01\x52\x09\x08\x04\x10\x11\x1a\x01g\x20\x02"));
	ck_assert_int_eq(ask(CRIU_VERSION), 0);
	ck_assert_int_eq(answer.major, 4);
	ck_assert_int_eq(answer.minor, 17);
	ck_assert_int_eq(answer.sublevel, 2);
	expect_heard(BYTES("\x08\x0a"));
	finish();
}

TEST(asks_for_features)
{
	begin();
	criu_hears();
	criu_answers(BYTES("\x08\x09\x10\x01\x42\x04\x08\x01\x10\x00"));
	ck_assert_int_eq(ask(CRIU_FEATURES), 0);
	ck_assert(answer.success && answer.tracks_memory && !answer.has_lazy_pages);
	expect_heard(BYTES("\x08\x09\x2a\x04\x08\x01\x10\x01"));
	finish();
}

TEST(knows_nothing_of_the_answer_before)
{
	begin();
	criu_hears();
	criu_answers(BYTES("\x08\x01"));
	answer = (struct criu_answer){true, 1, 2, 3, 4, true, true};
	ck_assert_int_eq(ask(CRIU_DUMP), 0);
	ck_assert(!answer.success && !answer.tracks_memory && !answer.has_lazy_pages);
	ck_assert_int_eq(answer.code + answer.major + answer.minor + answer.sublevel, 0);
	finish();
}

TEST(says_that_there_is_no_criu)
{
	begin();
	ck_assert_int_eq(unlinkat(tree.fd, "criu", 0), 0);
	ck_assert_int_eq(setenv("PATH", tree.path, 1), 0);
	expect_error(ask(CRIU_DUMP), ENOENT, "execute criu: no such file or directory");
	ck_assert_str_eq(err.hint, "install CRIU 3.15 or newer; it is looked for in PATH");
	/* One that is no program. */
	tree_file(&tree, "criu", 0644, "");
	expect_error(ask(CRIU_DUMP), EACCES, "execute criu: permission denied");
	ck_assert_str_eq(err.hint, "");
	finish();
}

TEST(says_that_the_arena_is_full)
{
	begin();
	while (arena_alloc(&arena, 1))
		continue;
	ck_assert_int_eq(ask(CRIU_DUMP), -ENOMEM);
	ck_assert_int_eq(call.pid, 0);
	finish();
}

/* -- the child --------------------------------------------------------------------------------- */

static int tell_criu(void *context, struct error *error)
{
	(void)error;
	return setenv("TOLD", context, 1);
}

static int refuse_to_begin(void *context, struct error *error)
{
	error_errno(error, EXDEV, "begin as %d", getpid() == *(pid_t *)context);
	return error_hint(error, "do not begin");
}

TEST(lets_its_caller_begin_the_child)
{
	char word[] = "told";

	begin();
	call.begin = tell_criu;
	call.context = word;
	criu_hears();
	criu_answers(BYTES(SUCCESS));
	ck_assert_int_eq(ask(CRIU_RESTORE), 0);
	ck_assert_ptr_nonnull(strstr(read_saw(), "criu swrk 3 free told\n"));
	ck_assert_ptr_null(getenv("TOLD"));
	finish();
}

TEST(tells_why_the_child_could_not_begin)
{
	pid_t self = getpid();

	begin();
	call.begin = refuse_to_begin;
	call.context = &self;
	expect_error(ask(CRIU_RESTORE), EXDEV, "begin as 0: invalid cross-device link");
	ck_assert_str_eq(err.hint, "do not begin");
	finish();
}

TEST(gives_criu_what_is_passed_and_nothing_else)
{
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC), leaked, folder;
	char expected[512];
	sigset_t blocked;

	begin();
	leaked = open("/dev/full", O_RDONLY);
	ck_assert_int_ge(dup2(leaked, 500), 0);
	folder = open(tree.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	ck_assert_int_eq(criu_pass(&call, folder), 4);
	ck_assert_int_eq(criu_pass(&call, zero), 5);
	ck_assert_int_eq(criu_pass(&call, folder), 6);
	criu_hears();
	criu_answers(BYTES(SUCCESS));
	ck_assert_int_eq(ask(CRIU_RESTORE), 0);
	snprintf(expected, sizeof(expected),
		 "criu swrk 3 free -\n"
		 "0 /dev/null\n1 /dev/null\n2 /dev/null\n3 socket\n4 %s\n5 /dev/zero\n6 %s\n",
		 tree.path, tree.path);
	ck_assert_str_eq(read_saw(), expected);
	/* They stay the caller's. */
	ck_assert_int_eq(fcntl(folder, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(close(folder) | close(leaked) | close(500), 0);
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
	finish();
	close(zero);
}

/* Those that have the numbers which others are to have. */
TEST(mixes_no_descriptors_up)
{
	static const char *const paths[] = {"/dev/zero", "/dev/null", "/dev/full"};
	enum { COUNT = 18, KINDS = 3 };
	int fds[COUNT];
	char line[32];

	begin();
	for (int i = 0; i < COUNT; i++)
		fds[i] = open(paths[i % KINDS], O_RDONLY | O_CLOEXEC);
	ck_assert_int_lt(fds[0], 4 + COUNT);
	for (int i = COUNT - 1; i >= 0; i--)
		criu_pass(&call, fds[i]);
	criu_hears();
	criu_answers(BYTES(SUCCESS));
	ck_assert_int_eq(ask(CRIU_RESTORE), 0);
	for (int i = 0; i < COUNT; i++) {
		snprintf(line, sizeof(line), "\n%d %s\n", 3 + COUNT - i, paths[i % KINDS]);
		ck_assert_ptr_nonnull(strstr(read_saw(), line));
		close(fds[i]);
	}
	finish();
}

TEST(passes_no_more_than_there_is_room_for)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	begin();
	for (int i = 0; i < CRIU_MOST_PASSED; i++)
		ck_assert_int_eq(criu_pass(&call, null), 4 + i);
	ck_assert_int_eq(criu_pass(&call, null), -1);
	criu_hears();
	criu_answers(BYTES(SUCCESS));
	ck_assert_int_eq(ask(CRIU_RESTORE), 0);
	ck_assert_ptr_nonnull(strstr(read_saw(), "\n35 /dev/null\n"));
	finish();
	close(null);
}

TEST(says_which_descriptors_could_not_be_passed)
{
	struct rlimit usual, narrow;

	begin();
	criu_pass(&call, 1000);
	expect_error(ask(CRIU_RESTORE), EBADF,
		     "hand descriptors over to CRIU: bad file descriptor");
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &usual), 0);
	narrow = usual;
	narrow.rlim_cur = 100;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &narrow), 0);
	expect_error(ask(CRIU_RESTORE), EINVAL,
		     "make room for CRIU's descriptors: invalid argument");
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &usual), 0);
	finish();
}

/* -- versions ---------------------------------------------------------------------------------- */

static int expect_of(char major, char minor)
{
	char bytes[] = "\x08\x0a\x10\x01\x52\x04\x08?\x10?";
	int r;

	bytes[7] = major;
	bytes[9] = minor;
	begin();
	criu_hears();
	criu_answers(bytes, sizeof(bytes) - 1);
	r = criu_expect(&arena, &err);
	finish();
	return r;
}

TEST(takes_versions_that_are_new_enough)
{
	ck_assert_int_eq(expect_of(3, 15), 0);
	ck_assert_int_eq(expect_of(3, 19), 0);
	ck_assert_int_eq(expect_of(4, 0), 0);
	ck_assert_int_eq(expect_of(10, 2), 0);
}

TEST(refuses_versions_that_are_too_old)
{
	expect_error(expect_of(3, 14), EINVAL, "CRIU 3.14 is too old");
	ck_assert_str_eq(err.hint, "install 3.15 or newer");
	expect_error(expect_of(2, 99), EINVAL, "CRIU 2.99 is too old");
	begin();
	criu_hears();
	criu_answers(BYTES("\x08\x0a\x10\x00"));
	expect_error(criu_expect(&arena, &err), EINVAL, "CRIU 0.0 is too old");
	finish();
}

RUN_TESTS_WITH_CRIU("criu-call", asks_and_takes_the_answer, tells_what_criu_failed_with,
		    asks_for_the_version, asks_for_features, knows_nothing_of_the_answer_before,
		    says_that_there_is_no_criu, says_that_the_arena_is_full,
		    lets_its_caller_begin_the_child, tells_why_the_child_could_not_begin,
		    gives_criu_what_is_passed_and_nothing_else, mixes_no_descriptors_up,
		    passes_no_more_than_there_is_room_for,
		    says_which_descriptors_could_not_be_passed, takes_versions_that_are_new_enough,
		    refuses_versions_that_are_too_old)
