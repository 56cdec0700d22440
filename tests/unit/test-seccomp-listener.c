#include "linux/seccomp-listener.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "basic/syscalls.h"
#include "child.h"
#include "unit.h"

static struct error err;
static struct arena arena;
static struct container container;
static const char *names[] = {"mkdir", NULL};
static struct oci_syscall rules[2];
static struct oci_seccomp seccomp;
static struct oci_linux properties = {.seccomp = &seccomp};
static struct oci_pair annotations[2];
static struct oci_config config;

static struct sock_filter notifying[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

/* A container with a filter of as many instructions. */
static void begin(size_t instructions)
{
	arena_release(&arena);
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	rules[0] = (struct oci_syscall){.names = names, .names_len = 1, .action = "SCMP_ACT_LOG"};
	rules[1] = rules[0];
	rules[1].action = "SCMP_ACT_NOTIFY";
	seccomp = (struct oci_seccomp){
		.default_action = "SCMP_ACT_ALLOW",
		.syscalls = rules,
		.syscalls_len = 2,
	};
	config = (struct oci_config){.linux = &properties, .annotations = annotations};
	container = (struct container){.arena = &arena, .config = &config};
	container.seccomp.filter = notifying + 4 - instructions;
	container.seccomp.filter_len = instructions;
	unsetenv("RUN_OCI_SECCOMP_RECEIVER");
	err = (struct error){0};
}

static void annotate(const char *key, const char *value)
{
	annotations[config.annotations_len++] = (struct oci_pair){key, value};
}

static void expect_agent(const char *path)
{
	ck_assert_msg(seccomp_listener_prepare(&container, &err) == 0, "%s", err.text);
	ck_assert_str_eq(container.seccomp.agent, path);
}

TEST(wants_no_agent_for_a_filter_that_does_not_notify)
{
	begin(1);
	seccomp.listener_path = "/run/agent";
	ck_assert_int_eq(seccomp_listener_prepare(&container, &err), 0);
	ck_assert_ptr_null(container.seccomp.agent);
	begin(0);
	ck_assert_int_eq(seccomp_listener_prepare(&container, &err), 0);
}

TEST(takes_the_property_then_the_annotation_then_the_environment)
{
	begin(4);
	setenv("RUN_OCI_SECCOMP_RECEIVER", "/run/environment", 1);
	expect_agent("/run/environment");
	annotate("run.oci.seccomp.receiver", "/run/annotation");
	expect_agent("/run/annotation");
	seccomp.listener_path = "/run/property";
	seccomp.listener_metadata = "more";
	expect_agent("/run/property");
	ck_assert_str_eq(container.seccomp.metadata, "more");
}

static void expect_rejected(const char *why)
{
	ck_assert_int_eq(seccomp_listener_prepare(&container, &err), -EINVAL);
	ck_assert_str_eq(err.text, why);
}

TEST(names_who_notifies_where_nobody_listens)
{
	begin(4);
	expect_rejected("linux.seccomp.syscalls[1].action: SCMP_ACT_NOTIFY, and nobody listens");
	ck_assert_str_eq(err.hint, "set linux.seccomp.listenerPath to the socket of an agent that "
				   "answers");
	begin(4);
	seccomp.default_action = "SCMP_ACT_NOTIFY";
	expect_rejected("linux.seccomp.defaultAction: SCMP_ACT_NOTIFY, and nobody listens");
	begin(4);
	annotate("run.oci.seccomp_bpf_data", "");
	expect_rejected("annotations[\"run.oci.seccomp_bpf_data\"]: the filter notifies, and "
			"nobody listens");
}

TEST(rejects_a_path_that_is_not_absolute)
{
	begin(4);
	seccomp.listener_path = "agent";
	expect_rejected("linux.seccomp.listenerPath: \"agent\" is not absolute");
	begin(4);
	annotate("run.oci.seccomp.receiver", "./agent");
	expect_rejected("annotations[\"run.oci.seccomp.receiver\"]: \"./agent\" is not absolute");
	begin(4);
	setenv("RUN_OCI_SECCOMP_RECEIVER", "agent", 1);
	expect_rejected("the environment's RUN_OCI_SECCOMP_RECEIVER: \"agent\" is not absolute");
}

TEST(tells_the_agent_the_container_process_state)
{
	const struct oci_state state = {
		.oci_version = "1.3.0",
		.id = "web",
		.status = "created",
		.has_pid = true,
		.pid = 42,
		.bundle = "/b",
	};

	begin(0);
	ck_assert_str_eq(seccomp_listener_state(&state, 43, "x", &arena),
			 "{\"ociVersion\":\"1.3.0\",\"fds\":[\"seccompFd\"],\"pid\":43,"
			 "\"metadata\":\"x\",\"state\":{\"ociVersion\":\"1.3.0\",\"id\":\"web\","
			 "\"status\":\"created\",\"pid\":42,\"bundle\":\"/b\"}}");
	ck_assert_str_eq(seccomp_listener_state(&state, 42, NULL, &arena),
			 "{\"ociVersion\":\"1.3.0\",\"fds\":[\"seccompFd\"],\"pid\":42,"
			 "\"state\":{\"ociVersion\":\"1.3.0\",\"id\":\"web\","
			 "\"status\":\"created\",\"pid\":42,\"bundle\":\"/b\"}}");
}

/* Returns 1 if a listener is fetched, and nothing else is. */
static int fetch(void *context, struct error *e)
{
	const struct sock_fprog program = {.len = 4, .filter = notifying};
	int pidfd = sys_pidfd_open(getpid()), other = open("/dev/null", O_RDONLY), listener, mine;

	(void)context;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	listener = sys_seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	skip_unless(listener >= 0);
	mine = seccomp_listener_fetch(pidfd, listener);
	if (mine < 0)
		return error_errno(e, errno, "fetch it");
	if (seccomp_listener_fetch(pidfd, other) >= 0 || errno != EBADF)
		return error_errno(e, errno, "fetch what is none");
	if (seccomp_listener_fetch(pidfd, 1000) >= 0 || errno != EBADF)
		return error_errno(e, errno, "fetch what is not open");
	return fcntl(mine, F_GETFD) == FD_CLOEXEC;
}

TEST(fetches_a_listener_and_nothing_else)
{
	int r = in_child(fetch, NULL, &err);

	ck_assert_msg(r == 1 || r == CHILD_SKIPPED, "%s", err.text);
}

RUN_TESTS("seccomp-listener", wants_no_agent_for_a_filter_that_does_not_notify,
	  takes_the_property_then_the_annotation_then_the_environment,
	  names_who_notifies_where_nobody_listens, rejects_a_path_that_is_not_absolute,
	  tells_the_agent_the_container_process_state, fetches_a_listener_and_nothing_else)
