#include "runtime/status.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/file.h"
#include "basic/process.h"
#include "launch/image.h"
#include "runtime/delete.h"
#include "runtime/kill.h"
#include "runtime/record.h"
#include "unit.h"

static char scratch[] = "/tmp/proa-test-status-XXXXXX";
static struct state_root root;
static struct arena arena;
static struct error err;

static void begin(void)
{
	ck_assert_ptr_nonnull(mkdtemp(scratch));
	ck_assert_int_eq(state_root_open(&root, scratch, false, &err), 0);
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
}

static void finish(void)
{
	char command[PATH_MAX];

	state_root_release(&root);
	arena_release(&arena);
	snprintf(command, sizeof(command), "rm -rf %s", scratch);
	ck_assert_int_eq(system(command), 0);
}

/* A process that waits under a name, as the leader of a session. */
static pid_t spawn(const char *name)
{
	int ready[2];
	pid_t child;
	char byte;

	ck_assert_int_eq(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		setsid();
		close(ready[0]);
		close(ready[1]);
		for (;;)
			pause();
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 0);
	close(ready[0]);
	return child;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* Writes a record of a container whose first process is child, or has none; returns its directory,
 * locked. */
static int record(const char *id, const char *status, pid_t child, uint64_t later)
{
	struct process process = {0};
	struct oci_record_process init;
	struct oci_record written = {
		.oci_version = "1.2.0",
		.id = id,
		.bundle = "/b",
		.status = status,
		.created = "2026-01-31T10:20:30.000000Z",
	};
	int directory = container_directory_make(&root, id, &err);

	ck_assert_int_ge(directory, 0);
	if (child) {
		ck_assert_int_eq(process_identify(child, -1, &process, &err), 0);
		init = (struct oci_record_process){
			.pid = child,
			.has_start_time = true,
			.start_time = process.start_time + later,
		};
		written.init = &init;
	}
	ck_assert_int_eq(record_store(directory, &written, &arena, &err), 0);
	return directory;
}

static void expect(const char *id, enum status status, pid_t pid)
{
	struct view view;

	ck_assert_int_eq(view_open(&view, &root, id, &arena, &err), 0);
	ck_assert_str_eq(status_name(view.status), status_name(status));
	ck_assert_int_eq(view.pid, pid);
	view_release(&view);
	ck_assert_int_eq(view_glance(&view, &root, id, &arena, &err), 0);
	ck_assert_str_eq(status_name(view.status), status_name(status));
	ck_assert_int_eq(view.pid, pid);
}

TEST(is_created_while_the_runtimes_own_program_waits)
{
	pid_t child = spawn(INIT_NAME);

	begin();
	close(record("web", "created", child, 0));
	expect("web", STATUS_CREATED, child);
	end(child);
	expect("web", STATUS_STOPPED, 0);
	finish();
}

TEST(is_running_once_another_program_runs)
{
	pid_t child = spawn("sh");

	begin();
	close(record("web", "created", child, 0));
	close(record("db", "running", child, 0));
	expect("web", STATUS_RUNNING, child);
	expect("db", STATUS_RUNNING, child);
	end(child);
	finish();
}

TEST(is_stopped_when_its_pid_is_anothers)
{
	pid_t child = spawn("sh");

	begin();
	close(record("web", "running", child, 1));
	expect("web", STATUS_STOPPED, 0);
	ck_assert_int_eq(container_kill(&root, "web", SIGKILL, false, &err), -ESRCH);
	ck_assert_str_eq(err.text, "web: container not running");
	ck_assert_int_eq(container_delete(&root, "web", true, &err), 0);
	ck_assert_int_eq(kill(child, 0), 0);
	end(child);
	finish();
}

TEST(is_stopped_when_its_process_is_a_zombie)
{
	pid_t child = spawn("sh");
	siginfo_t info;

	begin();
	close(record("web", "running", child, 0));
	kill(child, SIGKILL);
	ck_assert_int_eq(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	expect("web", STATUS_STOPPED, 0);
	end(child);
	finish();
}

/* Looks at a container of whose cgroup this is told. */
static void expect_glance(pid_t child, const char *events, bool in_memory, enum status status)
{
	char directory[64];
	int fd = openat(root.fd, "cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct oci_record_cgroup cgroup = {.manager = "cgroupfs", .made = true, .v2 = directory};
	/* It began at another time: only who does not look for that takes it for the container's. */
	struct oci_record_process init = {.pid = child, .has_start_time = true, .start_time = 1};
	const struct oci_record written = {
		.oci_version = "1.2.0",
		.id = "web",
		.bundle = "/b",
		.status = "running",
		.created = "2026-01-31T10:20:30.000000Z",
		.init = &init,
		.cgroup = &cgroup,
	};
	struct view view;
	int web = container_directory_open(&root, "web", &err);

	snprintf(directory, sizeof(directory), "%s/cgroup", scratch);
	ck_assert_int_eq(file_replace(fd, "cgroup.events", events, 0600, &err), 0);
	ck_assert_int_eq(record_store(web, &written, &arena, &err), 0);
	root.forgets = in_memory;
	ck_assert_int_eq(view_glance(&view, &root, "web", &arena, &err), 0);
	ck_assert_str_eq(status_name(view.status), status_name(status));
	ck_assert_int_eq(view.pid, status == STATUS_STOPPED ? 0 : init.pid);
	close(fd);
	close(web);
}

TEST(is_looked_at_closely_unless_one_look_is_enough)
{
	pid_t child = spawn("sh");

	begin();
	close(record("web", "running", 0, 0));
	ck_assert_int_eq(mkdirat(root.fd, "cgroup", 0700), 0);
	expect_glance(child, "populated 1\nfrozen 0\n", true, STATUS_RUNNING);
	expect_glance(child, "populated 1\nfrozen 0\n", false, STATUS_STOPPED);
	expect_glance(child, "populated 1\nfrozen 1\n", true, STATUS_STOPPED);
	expect_glance(child, "populated 0\nfrozen 0\n", true, STATUS_STOPPED);
	end(child);
	expect_glance(child, "populated 1\nfrozen 0\n", true, STATUS_STOPPED);
	finish();
}

TEST(is_creating_only_while_somebody_creates_it)
{
	int directory;

	begin();
	directory = record("web", "creating", 0, 0);
	expect("web", STATUS_CREATING, 0);
	ck_assert_int_eq(container_kill(&root, "web", SIGTERM, false, &err), -ESRCH);
	close(directory);
	expect("web", STATUS_STOPPED, 0);
	finish();
}

TEST(says_that_it_does_not_exist_without_a_record)
{
	struct view view;

	begin();
	close(container_directory_make(&root, "web", &err));
	ck_assert_int_eq(view_open(&view, &root, "web", &arena, &err), -ENOENT);
	ck_assert_str_eq(err.text, "web: container does not exist");
	ck_assert_int_eq(view_glance(&view, &root, "web", &arena, &err), -ENOENT);
	ck_assert_str_eq(err.text, "web: container does not exist");
	ck_assert_int_eq(view_glance(&view, &root, "../web", &arena, &err), -EINVAL);
	ck_assert_str_eq(err.text, "invalid container ID \"../web\"");
	finish();
}

TEST(is_not_deleted_while_it_runs)
{
	pid_t child = spawn("sh");

	begin();
	close(record("web", "running", child, 0));
	ck_assert_int_eq(container_delete(&root, "web", false, &err), -EBUSY);
	ck_assert_str_eq(err.text, "cannot delete container web that is not stopped: running");
	ck_assert_str_eq(err.hint, "\"delete --force\" kills it first");
	expect("web", STATUS_RUNNING, child);
	ck_assert_int_eq(container_delete(&root, "web", true, &err), 0);
	ck_assert_int_eq(faccessat(root.fd, "web", F_OK, 0), -1);
	ck_assert_int_eq(waitpid(child, NULL, WNOHANG), child);
	finish();
}

TEST(is_deleted_when_it_was_never_started)
{
	pid_t child = spawn(INIT_NAME);
	int directory;

	begin();
	directory = record("web", "created", child, 0);
	close(openat(directory, "start", O_WRONLY | O_CREAT, 0600));
	ck_assert_int_eq(mkdirat(directory, "notify", 0700), 0);
	close(directory);
	ck_assert_int_eq(container_delete(&root, "web", false, &err), 0);
	ck_assert_int_eq(faccessat(root.fd, "web", F_OK, 0), -1);
	ck_assert_int_eq(waitpid(child, NULL, WNOHANG), child);
	finish();
}

TEST(is_deleted_by_force_whatever_is_left_of_it)
{
	int directory;

	begin();
	ck_assert_int_eq(container_delete(&root, "web", false, &err), -ENOENT);
	ck_assert_str_eq(err.text, "web: container does not exist");
	ck_assert_int_eq(container_delete(&root, "web", true, &err), 0);
	close(container_directory_make(&root, "web", &err));
	ck_assert_int_eq(container_delete(&root, "web", false, &err), -ENOENT);
	ck_assert_int_eq(container_delete(&root, "web", true, &err), 0);
	ck_assert_int_eq(faccessat(root.fd, "web", F_OK, 0), -1);
	directory = container_directory_make(&root, "web", &err);
	ck_assert_int_eq(file_replace(directory, RECORD_FILE, "{", 0600, &err), 0);
	close(directory);
	ck_assert_int_eq(container_delete(&root, "web", false, &err), -EINVAL);
	ck_assert_int_eq(container_delete(&root, "web", true, &err), 0);
	ck_assert_int_eq(faccessat(root.fd, "web", F_OK, 0), -1);
	finish();
}

TEST(takes_a_signal_for_all_when_all_are_gone)
{
	begin();
	close(record("web", "running", 0, 0));
	ck_assert_int_eq(container_kill(&root, "web", SIGTERM, true, &err), 0);
	ck_assert_int_eq(container_kill(&root, "db", SIGTERM, true, &err), -ENOENT);
	finish();
}

RUN_TESTS("status", is_created_while_the_runtimes_own_program_waits,
	  is_running_once_another_program_runs, is_stopped_when_its_pid_is_anothers,
	  is_stopped_when_its_process_is_a_zombie, is_looked_at_closely_unless_one_look_is_enough,
	  is_creating_only_while_somebody_creates_it, says_that_it_does_not_exist_without_a_record,
	  is_not_deleted_while_it_runs, is_deleted_when_it_was_never_started,
	  is_deleted_by_force_whatever_is_left_of_it, takes_a_signal_for_all_when_all_are_gone)
