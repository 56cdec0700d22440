#include <errno.h>
#include <string.h>

#include "criu/call.h"
#include "tree.h"
#include "unit.h"

static struct error err;
static struct tree tree;

static int explain(const char *log, int code)
{
	const struct criu_answer answer = {.code = code};
	int r;

	err = (struct error){0};
	tree = tree_make();
	if (log)
		tree_file(&tree, "dump.log", 0600, log);
	r = criu_explain(tree.fd, "dump.log", &answer, &err);
	ck_assert_int_eq(r, -err.code);
	tree_remove(&tree);
	return r;
}

static void expect(const char *log, const char *text)
{
	ck_assert_int_eq(explain(log, 0), -EIO);
	ck_assert_str_eq(err.text, text);
	ck_assert_str_eq(err.hint, "");
}

TEST(tells_what_the_log_says)
{
	expect("(00.000000) Version: 4.1.1 (gitid 0)\n"
	       "(00.048387) Error (criu/files-reg.c:1790): Can't lookup mount=24\n"
	       "(00.048399) Unlock network\n",
	       "CRIU has failed: Can't lookup mount=24");
}

TEST(tells_the_first_three_errors)
{
	expect("(00.1) Error (a.c:1): one\n"
	       "(00.2) between\n"
	       "(00.3)   4711: Error (a.c:2): two\n"
	       "Error (a.c:3): three\n"
	       "(00.4) Error (a.c:4): four\n",
	       "CRIU has failed: one; two; three");
}

TEST(leaves_out_what_says_nothing)
{
	expect("(00.1) Error (criu/rlimit.c:1): rlimit: Can't setup RLIMIT_NOFILE for self\n"
	       "(00.2) Warn  (criu/kerndat.c:1): $XDG_RUNTIME_DIR not set\n"
	       "(00.3) Error (criu/cr-dump.c:1): the cause\n"
	       "(00.4) Error (criu/cr-dump.c:2): Dumping FAILED.\n"
	       "(00.5) Error (criu/cr-dump.c:3): Pre-dumping FAILED.\n"
	       "(00.6) Error (criu/cr-restore.c:4): Restoring FAILED.\n"
	       "(00.7) Error without a place: no\n"
	       "(00.8) Error (criu/cr-dump.c\n",
	       "CRIU has failed: the cause");
}

TEST(replaces_what_a_terminal_would_obey)
{
	expect("Error (a.c:1): \x1b[31mred\x7f \t \xc3\xa4\r\n",
	       "CRIU has failed: ?[31mred? ? \xc3\xa4?");
}

TEST(tells_the_beginning_of_what_is_long)
{
	static char log[4 * 5000], line[5000], text[2000] = "CRIU has failed";

	memset(line, 'x', sizeof(line) - 1);
	for (int i = 0; i < 3; i++) {
		strcat(strcat(strcat(log, "Error (a.c:1): "), line), "\n");
		strcat(strcat(text, i ? "; " : ": "), line + sizeof(line) - 1 - 300);
	}
	expect(log, text);
}

/* Those that are longer than any that CRIU writes. */
TEST(passes_over_lines_without_an_end)
{
	static char log[100 * 1024];

	strcpy(log, "Error (a.c:1): ");
	memset(log + strlen(log), 'x', 80 * 1024);
	strcat(log, "\nError (a.c:2): the cause");
	expect(log, "CRIU has failed: the cause");
}

TEST(says_no_more_than_the_log)
{
	expect("", "CRIU has failed");
	expect("(00.1) all is well\n", "CRIU has failed");
	expect("Error (a.c:1): ", "CRIU has failed: ");
}

TEST(fails_without_a_log)
{
	expect(NULL, "CRIU has failed");
}

TEST(follows_no_link_to_a_log)
{
	const struct criu_answer answer = {.code = EBUSY};

	tree = tree_make();
	tree_file(&tree, "other", 0600, "Error (a.c:1): secret\n");
	tree_link(&tree, "dump.log", "other");
	ck_assert_int_eq(criu_explain(tree.fd, "dump.log", &answer, &err), -EBUSY);
	ck_assert_str_eq(err.text, "CRIU has failed");
	tree_remove(&tree);
}

TEST(returns_the_errno_that_criu_tells)
{
	ck_assert_int_eq(explain("Error (a.c:1): in use\n", EBUSY), -EBUSY);
	ck_assert_str_eq(err.text, "CRIU has failed: in use");
	ck_assert_int_eq(explain(NULL, ENOENT), -ENOENT);
	ck_assert_int_eq(explain(NULL, -EBUSY), -EIO);
}

RUN_TESTS("criu-explain", tells_what_the_log_says, tells_the_first_three_errors,
	  leaves_out_what_says_nothing, replaces_what_a_terminal_would_obey,
	  tells_the_beginning_of_what_is_long, passes_over_lines_without_an_end,
	  says_no_more_than_the_log, fails_without_a_log, follows_no_link_to_a_log,
	  returns_the_errno_that_criu_tells)
