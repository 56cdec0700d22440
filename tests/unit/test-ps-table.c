#include "runtime/ps-table.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

static struct error err;

TEST(finds_the_column_called_PID)
{
	ck_assert_int_eq(ps_column("UID          PID    PPID  C STIME TTY          TIME CMD\n"), 1);
	ck_assert_int_eq(ps_column("    PID COMMAND\n"), 0);
	ck_assert_int_eq(ps_column("COMMAND PPID PID"), 2);
	ck_assert_int_eq(ps_column("PPID SPID COMMAND\n"), -1);
	ck_assert_int_eq(ps_column(""), -1);
	ck_assert_int_eq(ps_column(" \n"), -1);
}

TEST(reads_the_pid_of_a_line)
{
	ck_assert_int_eq(ps_pid("root      4711       1  0 10:00 ?        00:00:00 sh\n", 1), 4711);
	ck_assert_int_eq(ps_pid("  12 sh", 0), 12);
	ck_assert_int_eq(ps_pid("12", 0), 12);
	ck_assert_int_eq(ps_pid("12x sh", 0), 0);
	ck_assert_int_eq(ps_pid("root", 1), 0);
	ck_assert_int_eq(ps_pid("", 0), 0);
	ck_assert_int_eq(ps_pid("\n", 3), 0);
}

/* -- with a ps of its own, a shell script ----------------------------------------------------- */

static char directory[64], printed[4096];

static void make_ps(const char *script)
{
	char path[96];
	int fd;

	snprintf(directory, sizeof(directory), "/tmp/proa-ps-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/ps", directory);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	dprintf(fd, "#!/bin/sh\n%s\n", script);
	close(fd);
	setenv("PATH", directory, 1);
	err = (struct error){0};
}

static void remove_ps(void)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/ps", directory);
	unlink(path);
	rmdir(directory);
}

static int run_ps(char *const words[])
{
	static const pid_t list[] = {5, 7, 4711};
	const struct ps_pids pids = {list, 3};
	FILE *out;
	int r;

	printed[0] = '\0';
	out = fmemopen(printed, sizeof(printed), "w");
	r = ps_table(&pids, words, out, &err);
	fclose(out);
	return r;
}

TEST(keeps_the_head_and_the_lines_of_the_pids)
{
	char *const none[] = {NULL};

	make_ps("printf 'UID PID CMD\\nroot 1 init\\nroot 7 sh 5\\nroot 77 x\\nroot 5 y'");
	ck_assert_int_eq(run_ps(none), 0);
	ck_assert_str_eq(printed, "UID PID CMD\nroot 7 sh 5\nroot 5 y");
	remove_ps();
}

/* The words come back one by one, each behind a pid. */
static void expect_words(char *const words[], const char *expected)
{
	make_ps("echo PID; for word; do echo \"7 <$word>\"; done");
	ck_assert_int_eq(run_ps(words), 0);
	ck_assert_str_eq(printed, expected);
	remove_ps();
}

TEST(hands_over_words_as_they_are_and_splits_a_single_one)
{
	expect_words((char *[]){NULL}, "PID\n7 <-ef>\n");
	expect_words((char *[]){(char[]){"-o pid,comm  -e"}, NULL},
		     "PID\n7 <-o>\n7 <pid,comm>\n7 <-e>\n");
	expect_words((char *[]){(char[]){"-o"}, (char[]){"pid comm"}, NULL},
		     "PID\n7 <-o>\n7 <pid comm>\n");
	expect_words((char *[]){(char[]){"aux"}, NULL}, "PID\n7 <aux>\n");
	expect_words((char *[]){(char[]){" "}, NULL}, "PID\n");
}

TEST(refuses_too_many_words)
{
	static char word[] = "x", text[5000];
	char *words[100] = {NULL};
	char *const one[] = {text, NULL};

	make_ps("exit 0");
	for (size_t i = 0; i < 99; i++)
		words[i] = word;
	ck_assert_int_eq(run_ps(words), -E2BIG);
	ck_assert_str_eq(err.text, "the options of ps: argument list too long");
	memset(text, 'x', sizeof(text) - 1);
	ck_assert_int_eq(run_ps(one), -E2BIG);
	for (size_t i = 0; i < 200; i++)
		text[2 * i] = ' ';
	text[400] = '\0';
	ck_assert_int_eq(run_ps(one), -E2BIG);
	remove_ps();
}

TEST(tells_why_ps_failed)
{
	char *const none[] = {NULL};

	make_ps("echo PID; echo 'what is that?' >&2; echo more >&2; exit 3");
	ck_assert_int_eq(run_ps(none), -EINVAL);
	ck_assert_str_eq(err.text, "ps: exit status 3");
	ck_assert_str_eq(err.hint, "it said: what is that?");
	remove_ps();
	make_ps("kill -9 $$");
	ck_assert_int_eq(run_ps(none), -EINVAL);
	ck_assert_str_eq(err.text, "ps was killed by signal 9");
	remove_ps();
	make_ps("echo COMMAND; echo sh");
	ck_assert_int_eq(run_ps(none), -EINVAL);
	ck_assert_str_eq(err.text, "the output of ps has no column PID");
	ck_assert_str_eq(printed, "");
	remove_ps();
	setenv("PATH", "/nowhere", 1);
	ck_assert_int_eq(run_ps(none), -EINVAL);
	ck_assert_str_eq(err.text, "there is no program ps in /nowhere");
}

TEST(what_ps_writes_beside_its_table_is_no_part_of_it)
{
	char *const none[] = {NULL};

	make_ps("echo 'a warning' >&2; echo PID; echo 7");
	ck_assert_int_eq(run_ps(none), 0);
	ck_assert_str_eq(printed, "PID\n7\n");
	remove_ps();
}

RUN_TESTS("ps-table", finds_the_column_called_PID, reads_the_pid_of_a_line,
	  keeps_the_head_and_the_lines_of_the_pids,
	  hands_over_words_as_they_are_and_splits_a_single_one, refuses_too_many_words,
	  tells_why_ps_failed, what_ps_writes_beside_its_table_is_no_part_of_it)
