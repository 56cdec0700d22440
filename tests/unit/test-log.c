#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/file.h"
#include "basic/log.h"
#include "unit.h"

/* A log and a stderr that can be read again; each test is a process of its own. */
static char log_path[] = "/tmp/proa-test-log-XXXXXX";
static int stderr_file = -1;

static void begin(enum log_format format)
{
	struct error err = {0};

	close(mkstemp(log_path));
	ck_assert_int_eq(log_open(log_path, format, &err), 0);
}

static void catch_stderr(void)
{
	char path[] = "/tmp/proa-test-log-XXXXXX";

	stderr_file = mkstemp(path);
	unlink(path);
	dup2(stderr_file, STDERR_FILENO);
}

/* What is in the log, with the times, whose digits become 0. */
static void expect_log(const char *expected)
{
	char text[16384], *time = text;

	ck_assert_int_ge(file_read_small(AT_FDCWD, log_path, text, sizeof(text)), 0);
	unlink(log_path);
	while ((time = strstr(time, "20")) && strlen(time) >= 27) {
		if (time[10] != 'T' || time[26] != 'Z') {
			time++;
			continue;
		}
		for (int i = 0; i < 26; i++)
			if (time[i] >= '0' && time[i] <= '9')
				time[i] = '0';
	}
	ck_assert_str_eq(text, expected);
}

static void expect_stderr(const char *expected)
{
	char text[16384] = "";

	ck_assert_int_ge(pread(stderr_file, text, sizeof(text) - 1, 0), 0);
	ck_assert_str_eq(text, expected);
}

TEST(tells_an_error_on_stderr_in_one_line)
{
	struct error err = {0};

	catch_stderr();
	error_config(&err, "no root");
	log_error(&err);
	error_config(&err, "bad\nname\x1b[1m");
	error_hint(&err, "rename it");
	log_error(&err);
	expect_stderr("no root\nbad?name?[1m: rename it\n");
}

TEST(tells_an_error_on_stderr_and_in_the_log)
{
	struct error err = {0};

	begin(LOG_TEXT);
	catch_stderr();
	error_config(&err, "no root");
	error_hint(&err, "add one");
	log_error(&err);
	expect_stderr("no root: add one\n");
	expect_log("0000-00-00T00:00:00.000000Z error: no root: add one\n");
}

TEST(writes_one_json_object_for_an_error)
{
	struct error err = {0};

	begin(LOG_JSON);
	catch_stderr();
	error_config(&err, "\"a\\b\"\n\x01 \xc3\xa9 \xff");
	error_hint(&err, "why \"?");
	log_error(&err);
	log_warning("not at this level");
	log_debug("nor this");
	expect_log("{\"level\":\"error\",\"msg\":\"\\\"a\\\\b\\\"\\u000a\\u0001 \xc3\xa9 \\ufffd\","
		   "\"hint\":\"why \\\"?\",\"time\":\"0000-00-00T00:00:00.000000Z\"}\n");
}

TEST(writes_a_whole_json_object_whatever_the_length)
{
	static const char end[] = "\",\"hint\":\"h\",\"time\":\"2";
	struct error err = {0};
	char text[16384];
	ssize_t length;

	begin(LOG_JSON);
	catch_stderr();
	error_config(&err, "x");
	memset(err.text, '\n', sizeof(err.text) - 1);
	error_hint(&err, "h");
	log_error(&err);
	length = file_read_small(AT_FDCWD, log_path, text, sizeof(text));
	unlink(log_path);
	ck_assert_int_gt(length, 4096);
	ck_assert_str_eq(text + length - 4, "Z\"}\n");
	ck_assert_ptr_nonnull(strstr(text, end));
}

TEST(keeps_warnings_and_debug_lines_off_stderr_when_there_is_a_log)
{
	begin(LOG_JSON);
	catch_stderr();
	log_set_level(LOG_LEVEL_DEBUG);
	ck_assert(log_debug_enabled());
	log_warning("w%d", 1);
	log_debug("d%s", "2");
	expect_stderr("");
	expect_log(
		"{\"level\":\"warning\",\"msg\":\"w1\",\"time\":\"0000-00-00T00:00:00.000000Z\"}\n"
		"{\"level\":\"debug\",\"msg\":\"d2\",\"time\":\"0000-00-00T00:00:00.000000Z\"}\n");
}

TEST(tells_warnings_on_stderr_when_there_is_no_log)
{
	catch_stderr();
	log_warning("hidden");
	log_set_level(LOG_LEVEL_WARNING);
	ck_assert(!log_debug_enabled());
	log_warning("shown");
	log_debug("hidden");
	expect_stderr("warning: shown\n");
}

/* For what somebody has to know who has asked for nothing. */
TEST(tells_some_warnings_at_any_level)
{
	catch_stderr();
	log_warning_always("w%d\n", 1);
	expect_stderr("warning: w1?\n");
	begin(LOG_TEXT);
	log_warning_always("w%s", "2");
	expect_stderr("warning: w1?\n");
	expect_log("0000-00-00T00:00:00.000000Z warning: w2\n");
}

TEST(adds_to_a_log_that_is_there)
{
	struct error err = {0};
	int fd;

	begin(LOG_TEXT);
	catch_stderr();
	fd = open(log_path, O_WRONLY);
	ck_assert_int_eq(write(fd, "before\n", 7), 7);
	close(fd);
	error_config(&err, "after");
	log_error(&err);
	expect_log("before\n0000-00-00T00:00:00.000000Z error: after\n");
}

TEST(makes_a_missing_log_for_all_to_read)
{
	struct error err = {0};
	struct stat status;

	umask(022);
	close(mkstemp(log_path));
	unlink(log_path);
	ck_assert_int_eq(log_open(log_path, LOG_TEXT, &err), 0);
	ck_assert_int_eq(stat(log_path, &status), 0);
	unlink(log_path);
	ck_assert_uint_eq(status.st_mode & 0777, 0644);
}

TEST(refuses_a_log_that_cannot_be_opened)
{
	struct error err = {0};

	ck_assert_int_eq(log_open("/", LOG_TEXT, &err), -EISDIR);
	ck_assert_str_eq(err.text, "open the log /: is a directory");
}

TEST(follows_links_of_no_other_user)
{
	struct error err = {0};
	char link[64], text[128];

	begin(LOG_TEXT);
	snprintf(link, sizeof(link), "%s-link", log_path);
	snprintf(text, sizeof(text), "the log %s is a link that another user has made", link);
	ck_assert_int_eq(symlink(log_path, link), 0);
	ck_assert_int_eq(log_open(link, LOG_TEXT, &err), 0);
	if (lchown(link, 65534, 65534) == 0) {
		ck_assert_int_eq(log_open(link, LOG_TEXT, &err), -EINVAL);
		ck_assert_str_eq(err.text, text);
	}
	unlink(link);
	unlink(log_path);
}

static void collect(enum log_level level, const char *message, void *context)
{
	char *text = context;

	sprintf(text + strlen(text), "%d %s;", (int)level, message);
}

TEST(gives_all_lines_to_a_sink)
{
	struct error err = {0};
	char text[256] = "";

	catch_stderr();
	log_set_sink(collect, text);
	log_set_level(LOG_LEVEL_DEBUG);
	error_config(&err, "e");
	log_error(&err);
	log_warning("w");
	log_debug("d");
	log_set_level(LOG_LEVEL_ERROR);
	log_warning("hidden");
	log_warning_always("a");
	ck_assert_str_eq(text, "0 e;1 w;2 d;1 a;");
	expect_stderr("");
}

RUN_TESTS("log", tells_an_error_on_stderr_in_one_line, tells_an_error_on_stderr_and_in_the_log,
	  writes_one_json_object_for_an_error, writes_a_whole_json_object_whatever_the_length,
	  keeps_warnings_and_debug_lines_off_stderr_when_there_is_a_log,
	  tells_warnings_on_stderr_when_there_is_no_log, tells_some_warnings_at_any_level,
	  adds_to_a_log_that_is_there, makes_a_missing_log_for_all_to_read,
	  refuses_a_log_that_cannot_be_opened, follows_links_of_no_other_user,
	  gives_all_lines_to_a_sink)
