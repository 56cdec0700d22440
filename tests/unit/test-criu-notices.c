/* What criu/call.h hears from CRIU at work. */
#include "fake-criu.h"

#define POST_RESUME "\x08\x06\x10\x01\x2a\x0d\x0a\x0bpost-resume"
#define HEEDED	    "\x08\x06\x18\x01"
#define UNHEEDED    "\x08\x06\x18\x00"

/* What the callback was told last, and how often. */
static struct {
	char what[64];
	int pid, count;
	ino_t inode; /* of the file that came with it; 0: none */
} told;

static int keep(void *context, const struct criu_notice *notice, struct error *error)
{
	struct stat status;

	(void)error;
	ck_assert_ptr_eq(context, &told);
	ck_assert(notice->fd < 0 || fcntl(notice->fd, F_GETFD) == FD_CLOEXEC);
	snprintf(told.what, sizeof(told.what), "%s", notice->what);
	told.pid = notice->pid;
	told.inode = notice->fd >= 0 && fstat(notice->fd, &status) == 0 ? status.st_ino : 0;
	told.count++;
	return 0;
}

static int refuse(void *context, const struct criu_notice *notice, struct error *error)
{
	keep(context, notice, error);
	error_errno(error, EXDEV, "do what %s takes", notice->what);
	return error_hint(error, "try another one");
}

static void listen_with(criu_heed *heed)
{
	call.heed = heed;
	call.context = &told;
	memset(&told, 0, sizeof(told));
}

/* -- notices ----------------------------------------------------------------------------------- */

static void criu_begins_with_setup(void)
{
	criu_hears();
	criu_notifies(BYTES("\x08\x06\x10\x01\x2a\x0a\x0a\x05"
			    "setup\x10\xe7\x24"));
}

TEST(has_notices_heeded)
{
	begin();
	listen_with(keep);
	criu_begins_with_setup();
	criu_answers(BYTES(SUCCESS));
	ck_assert_int_eq(ask(CRIU_RESTORE), 0);
	ck_assert(answer.success);
	ck_assert_str_eq(told.what, "setup");
	ck_assert_int_eq(told.pid, 4711);
	ck_assert_int_eq(told.count, 1);
	ck_assert(told.inode == 0);
	expect_heard(BYTES("\x08\x02"));
	expect_heard(BYTES(HEEDED));
	expect_heard_all();
	finish();
}

TEST(hears_each_notice_by_itself)
{
	begin();
	listen_with(keep);
	criu_begins_with_setup();
	criu_notifies(BYTES(POST_RESUME));
	criu_answers(BYTES(SUCCESS));
	ck_assert_int_eq(ask(CRIU_RESTORE), 0);
	ck_assert_str_eq(told.what, "post-resume");
	ck_assert_int_eq(told.pid, 0);
	ck_assert_int_eq(told.count, 2);
	finish();
}

TEST(heeds_notices_that_nobody_listens_to)
{
	begin();
	criu_begins_with_setup();
	criu_answers(BYTES(SUCCESS));
	ck_assert_int_eq(ask(CRIU_RESTORE), 0);
	expect_heard(BYTES("\x08\x02"));
	expect_heard(BYTES(HEEDED));
	finish();
}

/* Whatever CRIU says after it. */
TEST(fails_as_the_first_notice_that_is_not_heeded)
{
	static const struct {
		const char *bytes;
		size_t length;
	} ends[] = {{BYTES(SUCCESS)}, {BYTES("\x08\x02\x10\x00")}, {BYTES("\xff")}, {"", 0}};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		begin();
		listen_with(refuse);
		criu_begins_with_setup();
		criu_notifies(BYTES(POST_RESUME));
		criu_answers(ends[i].bytes, ends[i].length);
		expect_error(ask(CRIU_RESTORE), EXDEV,
			     "do what setup takes: invalid cross-device link");
		ck_assert_str_eq(err.hint, "try another one");
		ck_assert_int_eq(told.count, 1);
		expect_heard(BYTES("\x08\x02"));
		expect_heard(BYTES(UNHEEDED));
		expect_heard(BYTES(UNHEEDED));
		expect_heard_all();
		finish();
	}
}

TEST(fails_as_a_notice_that_criu_does_not_wait_for)
{
	begin();
	listen_with(refuse);
	criu_hears();
	criu_answers(BYTES(POST_RESUME));
	expect_error(ask(CRIU_RESTORE), EXDEV,
		     "do what post-resume takes: invalid cross-device link");
	finish();
}

TEST(takes_no_success_from_a_notice)
{
	begin();
	criu_begins_with_setup();
	criu_answers(BYTES("\x08\x02"));
	ck_assert_int_eq(ask(CRIU_RESTORE), 0);
	ck_assert(!answer.success);
	finish();
}

TEST(shows_the_file_that_comes_with_a_notice)
{
	struct stat status;

	begin();
	listen_with(keep);
	criu_hears();
	add_packet(POST_RESUME,
		   (struct head){.length = sizeof(POST_RESUME) - 1, .fds = 1, .hears = true});
	criu_answers(BYTES(SUCCESS));
	ck_assert_int_eq(fstatat(tree.fd, "play", &status, 0), 0);
	ck_assert_int_eq(ask(CRIU_RESTORE), 0);
	ck_assert(told.inode == status.st_ino);
	finish();
}

/* finish() counts what is left open. */
TEST(keeps_no_file_that_nobody_asked_for)
{
	begin();
	listen_with(keep);
	criu_hears();
	add_packet(POST_RESUME,
		   (struct head){.length = sizeof(POST_RESUME) - 1, .fds = 2, .hears = true});
	add_packet(SUCCESS, (struct head){.length = sizeof(SUCCESS) - 1, .fds = 2});
	ck_assert_int_eq(ask(CRIU_RESTORE), 0);
	ck_assert_int_eq(told.count, 1);
	finish();
}

TEST(knows_no_names_that_are_none)
{
	static const struct {
		const char *bytes;
		size_t length;
	} rows[] = {
		{BYTES("\x08\x06\x2a\x02\x08\x05")},
		{BYTES("\x08\x06\x2a\x00")},
		{BYTES("\x08\x06\x28\x05")},
		{BYTES("\x08\x06\x2a\x42\x0a\x40"
		       "0123456789012345678901234567890123456789012345678901234567890123")},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin();
		listen_with(keep);
		criu_hears();
		criu_notifies(rows[i].bytes, rows[i].length);
		criu_answers(BYTES(SUCCESS));
		ck_assert_int_eq(ask(CRIU_RESTORE), 0);
		ck_assert_int_eq(told.count, 1);
		ck_assert_str_eq(told.what, "");
		finish();
	}
}

/* -- a CRIU that does not answer --------------------------------------------------------------- */

#define NO_ANSWER "CRIU ended without an answer: connection reset by peer"

TEST(notices_that_criu_ends_without_an_answer)
{
	begin();
	criu_hears();
	expect_error(ask(CRIU_DUMP), ECONNRESET, NO_ANSWER);
	finish();
	begin();
	criu_begins_with_setup();
	expect_error(ask(CRIU_DUMP), ECONNRESET, NO_ANSWER);
	finish();
}

/* As one does whose libraries are missing; it may be gone before it is asked, or behind it. */
TEST(notices_that_criu_ends_without_a_question)
{
	for (int i = 0; i < 10; i++) {
		begin();
		expect_error(ask(CRIU_DUMP), ECONNRESET, NO_ANSWER);
		finish();
	}
}

TEST(notices_that_an_answer_is_none)
{
	static const struct {
		const char *bytes;
		size_t length;
	} rows[] = {
		{BYTES("hello")},
		{BYTES("\x08\x80\x80\x80\x80\x08")}, /* the lowest int */
		{BYTES("\x08")},
		{BYTES("\x08\x01\x10")},
		{BYTES("\x08\x01\x10\x01\x52\x05\x08\x04")},
		{BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin();
		criu_hears();
		criu_answers(rows[i].bytes, rows[i].length);
		expect_error(ask(CRIU_DUMP), EBADMSG, "hear from CRIU: bad message");
		finish();
	}
}

TEST(notices_that_an_answer_is_too_long)
{
	static char bytes[66 * 1024] = "\x08\x01\x10\x01";

	begin();
	criu_hears();
	criu_answers(bytes, sizeof(bytes));
	expect_error(ask(CRIU_DUMP), EMSGSIZE, "hear from CRIU: message too long");
	finish();
}

RUN_TESTS_WITH_CRIU("criu-notices", has_notices_heeded, hears_each_notice_by_itself,
		    heeds_notices_that_nobody_listens_to,
		    fails_as_the_first_notice_that_is_not_heeded,
		    fails_as_a_notice_that_criu_does_not_wait_for, takes_no_success_from_a_notice,
		    shows_the_file_that_comes_with_a_notice, keeps_no_file_that_nobody_asked_for,
		    knows_no_names_that_are_none, notices_that_criu_ends_without_an_answer,
		    notices_that_criu_ends_without_a_question, notices_that_an_answer_is_none,
		    notices_that_an_answer_is_too_long)
