#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/file.h"
#include "basic/trace.h"
#include "unit.h"

/* A trace that can be read again; each test is a process of its own. */
static char path[] = "/tmp/proa-test-trace-XXXXXX";

static void begin(void)
{
	struct error err = {0};

	close(mkstemp(path));
	ck_assert_int_eq(trace_open(path, &err), 0);
}

/* The trace that was written, with 0 for each time. */
static void expect_trace(const char *expected)
{
	char buffer[64 * 1024] = {0}, *text = buffer + 4, *from = text, *to = text;
	struct error err = {0};

	ck_assert_int_eq(trace_write("run", &err), 0);
	ck_assert_int_ge(file_read_small(AT_FDCWD, path, text, sizeof(buffer) - 4), 0);
	unlink(path);
	while (*from) {
		bool time =
			strncmp(from - 4, "\"ts\":", 5) == 0 || strncmp(from - 4, "dur\":", 5) == 0;

		*to++ = *from++;
		if (!time)
			continue;
		*to++ = '0';
		from += strspn(from, "0123456789.");
	}
	*to = '\0';
	ck_assert_str_eq(text, expected);
}

#define HEAD                                                                                     \
	"{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n"                                        \
	"{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":1,\"tid\":1,\"args\":{\"name\":\"proa " \
	"run\"}},\n"                                                                             \
	"{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":1,\"args\":{\"name\":"         \
	"\"runtime\"}}"
#define TAIL "\n]}\n"
#define PHASE(name, thread) \
	",\n{\"name\":\"" name "\",\"ph\":\"X\",\"pid\":1,\"tid\":" thread ",\"ts\":0,\"dur\":0}"
#define INIT                                                                                \
	",\n{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":3,\"args\":{\"name\":" \
	"\"init\"}}"

TEST(writes_phases_in_order)
{
	begin();
	trace_phase("parse");
	trace_phase("plan");
	expect_trace(HEAD PHASE("parse", "1") PHASE("plan", "1") TAIL);
}

TEST(writes_what_another_process_did)
{
	struct error err = {0};
	int fd;

	begin();
	/* As proa-init does, which is another program and only has the fd. */
	fd = dup(trace_fd());
	if (fork() == 0) {
		trace_begin(TRACE_INIT);
		trace_phase("clone");
		trace_memory = NULL;
		if (trace_join(fd, TRACE_INIT, &err) == 0)
			trace_phase("mounts");
		_exit(fcntl(fd, F_GETFD) >= 0);
	}
	wait(&fd);
	ck_assert_int_eq(fd, 0);
	trace_phase_of(TRACE_INIT, "execute");
	expect_trace(HEAD INIT PHASE("clone", "3") PHASE("mounts", "3") PHASE("execute", "3") TAIL);
}

TEST(escapes_names_and_cuts_long_ones)
{
	begin();
	trace_phase("\"\\\n");
	trace_phase("a name that is much too long for what there is of room");
	expect_trace(HEAD PHASE("\\\"\\\\\\u000a", "1")
			     PHASE("a name that is much too long for what there is ", "1") TAIL);
}

TEST(leaves_out_what_is_too_much)
{
	char text[64 * 1024];
	struct error err = {0};
	int count = 0;

	begin();
	for (int i = 0; i < 1000; i++)
		trace_phase("again");
	ck_assert_int_eq(trace_write("run", &err), 0);
	ck_assert_int_ge(file_read_small(AT_FDCWD, path, text, sizeof(text)), 0);
	unlink(path);
	for (const char *at = text; (at = strstr(at, "again")); at++)
		count++;
	ck_assert_int_eq(count, 149);
	ck_assert_str_eq(text + strlen(text) - 4, "\n]}\n");
}

TEST(does_nothing_when_there_is_none)
{
	struct error err = {0};

	trace_begin(TRACE_RUNTIME);
	trace_phase("parse");
	trace_phase_of(TRACE_INIT, "execute");
	ck_assert_int_eq(trace_join(-1, TRACE_INIT, &err), 0);
	ck_assert_int_eq(trace_fd(), -1);
	ck_assert_ptr_null(trace_memory);
}

TEST(keeps_descriptors_to_itself)
{
	begin();
	ck_assert_int_eq(fcntl(trace_fd(), F_GETFD), FD_CLOEXEC);
	unlink(path);
}

TEST(refuses_a_file_that_cannot_be_written)
{
	struct error err = {0};

	ck_assert_int_eq(trace_open("/", &err), -EISDIR);
	ck_assert_str_eq(err.text, "open the trace /: is a directory");
	ck_assert_int_eq(trace_fd(), -1);
}

TEST(empties_no_file_by_another_users_link)
{
	struct error err = {0};
	char link[64], text[128];

	begin();
	snprintf(link, sizeof(link), "%s-link", path);
	snprintf(text, sizeof(text), "the trace %s is a link that another user has made", link);
	ck_assert_int_eq(symlink(path, link), 0);
	if (lchown(link, 65534, 65534) == 0) {
		ck_assert_int_eq(trace_open(link, &err), -EINVAL);
		ck_assert_str_eq(err.text, text);
	}
	unlink(link);
	unlink(path);
}

TEST(tells_of_a_full_disk)
{
	struct error err = {0};

	ck_assert_int_eq(trace_open("/dev/full", &err), 0);
	ck_assert_int_eq(trace_write("run", &err), -ENOSPC);
	ck_assert_str_eq(err.text, "write the trace: no space left on device");
}

RUN_TESTS("trace", writes_phases_in_order, writes_what_another_process_did,
	  escapes_names_and_cuts_long_ones, leaves_out_what_is_too_much,
	  does_nothing_when_there_is_none, keeps_descriptors_to_itself,
	  refuses_a_file_that_cannot_be_written, empties_no_file_by_another_users_link,
	  tells_of_a_full_disk)
