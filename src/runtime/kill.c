/*
 * Whom a signal reaches is never left to a pid: between reading one and kill(2) it may have become
 * another's.  A pidfd is opened first, then it is made sure whose it is, and then it is used.
 */
#include "runtime/kill.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "basic/arena.h"
#include "basic/cleanup.h"
#include "basic/names.h"
#include "basic/syscalls.h"
#include "cgroup/cgroup.h"
#include "runtime/lock.h"
#include "runtime/status.h"

/* signal(7), without "SIG". */
static const struct name signals[] = {
	{"ABRT", SIGABRT},     {"ALRM", SIGALRM},     {"BUS", SIGBUS},
	{"CHLD", SIGCHLD},     {"CLD", SIGCHLD},      {"CONT", SIGCONT},
	{"FPE", SIGFPE},       {"HUP", SIGHUP},	      {"ILL", SIGILL},
	{"INT", SIGINT},       {"IO", SIGIO},	      {"IOT", SIGIOT},
	{"KILL", SIGKILL},     {"PIPE", SIGPIPE},     {"POLL", SIGPOLL},
	{"PROF", SIGPROF},     {"PWR", SIGPWR},	      {"QUIT", SIGQUIT},
	{"SEGV", SIGSEGV},
#ifdef SIGSTKFLT
	{"STKFLT", SIGSTKFLT},
#endif
	{"STOP", SIGSTOP},     {"SYS", SIGSYS},	      {"TERM", SIGTERM},
	{"TRAP", SIGTRAP},     {"TSTP", SIGTSTP},     {"TTIN", SIGTTIN},
	{"TTOU", SIGTTOU},     {"URG", SIGURG},	      {"USR1", SIGUSR1},
	{"USR2", SIGUSR2},     {"VTALRM", SIGVTALRM}, {"WINCH", SIGWINCH},
	{"XCPU", SIGXCPU},     {"XFSZ", SIGXFSZ},     {"", 0},
};

/* The numbers that "kill -l" tells: those that are free in glibc's programs.  musl begins one later. */
enum { FIRST_REAL_TIME = 34, LAST_REAL_TIME = 64 };

/* A decimal number and nothing else, at most the highest signal; otherwise -1. */
static int whole_number(const char *digits)
{
	char *end;
	long value;

	if (*digits < '0' || *digits > '9')
		return -1;
	value = strtol(digits, &end, 10);
	return *end || value > LAST_REAL_TIME ? -1 : (int)value;
}

/* "RTMIN", "RTMIN+2", "RTMAX-1"; otherwise -1. */
static int real_time_number(const char *name)
{
	bool up = strncasecmp(name, "RTMIN", 5) == 0;
	int offset = 0, number;

	if (!up && strncasecmp(name, "RTMAX", 5) != 0)
		return -1;
	name += 5;
	if (*name) {
		offset = *name == (up ? '+' : '-') ? whole_number(name + 1) : -1;
		if (offset < 0)
			return -1;
	}
	number = up ? FIRST_REAL_TIME + offset : LAST_REAL_TIME - offset;
	return number < FIRST_REAL_TIME || number > LAST_REAL_TIME ? -1 : number;
}

int signal_number(const char *text, struct error *err)
{
	const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
	int number;

	for (const struct name *row = signals; row->text[0]; row++)
		if (strcasecmp(row->text, name) == 0)
			return row->value;
	number = whole_number(text);
	if (number < 0)
		number = real_time_number(name);
	if (number >= 0)
		return number;
	error_config(err, "unknown signal \"%s\"", text);
	return error_hint(err, "kill -l shows the signals there are");
}

static int signal_init(const struct view *view, const char *id, int number, struct error *err)
{
	if (sys_pidfd_send_signal(view->pidfd, number) == 0)
		return 0;
	if (errno == ESRCH)
		return view_not_running(id, err);
	return error_errno(err, errno, "%s: send signal %d to process %d", id, number, view->pid);
}

enum { BATCH = 256 }; /* processes at a time: each takes a file descriptor */

static bool listed(pid_t pid, const pid_t *pids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

/*
 * Signals some processes of a cgroup.  The pids were read before; a pidfd that was opened since
 * could be of another process, to which the pid went.  So the cgroup is read once more: a pid that
 * is still there and whose pidfd still lives then has been one process all along.
 */
static int signal_batch(const struct oci_record_cgroup *cgroup, int number, const pid_t *batch,
			size_t count, struct error *err)
{
	autoarena struct arena arena = {0};
	int pidfds[BATCH];
	size_t still_count = 0;
	pid_t *still = NULL;
	int r;

	r = arena_open_private(&arena, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++)
		pidfds[i] = sys_pidfd_open(batch[i]);
	r = cgroup_processes(cgroup, &arena, &still, &still_count, err);
	for (size_t i = 0; i < count; i++) {
		if (r == 0 && pidfds[i] >= 0 && listed(batch[i], still, still_count) &&
		    sys_pidfd_send_signal(pidfds[i], number) < 0 && errno != ESRCH)
			r = error_errno(err, errno, "send signal %d to process %d", number,
					batch[i]);
		close_fd(&pidfds[i]);
	}
	return r;
}

static int signal_cgroup(const struct oci_record_cgroup *cgroup, int number, struct arena *arena,
			 struct error *err)
{
	size_t count = 0;
	pid_t *pids = NULL;
	int r;

	r = cgroup_processes(cgroup, arena, &pids, &count, err);
	for (size_t i = 0; i < count && r == 0; i += BATCH)
		r = signal_batch(cgroup, number, pids + i,
				 count - i < BATCH ? count - i : (size_t)BATCH, err);
	return r;
}

static bool has_cgroup(const struct oci_record *record)
{
	const struct oci_record_cgroup *cgroup = record->cgroup;

	return cgroup && (cgroup->v2 || cgroup->directories_len);
}

/*
 * Between two looks at the cgroup a process may have forked another, to whom nobody would send the signal; so
 * they are held meanwhile.  With the lock nobody pauses the container at that time, only to find it running
 * afterwards; while another command has it the signal goes without.
 *
 * One that was about to fork with all signals blocked, as some shells do, still does so when it is let go, and
 * its child has no signal.  Only SIGKILL leaves nobody.
 */
static bool hold(const struct view *view, int number)
{
	const struct oci_record_cgroup *cgroup = view->record->cgroup;

	return number != 0 && !lock_held_elsewhere(view->directory) && !cgroup_frozen(cgroup) &&
	       cgroup_hold(cgroup);
}

static int signal_all(const struct view *view, int number, struct arena *arena, struct error *err)
{
	const struct oci_record_cgroup *cgroup = view->record->cgroup;
	struct error failure = {0};
	bool held = hold(view, number);
	int r = signal_cgroup(cgroup, number, arena, err);

	if (held && cgroup_freeze(cgroup, false, &failure) < 0 && r == 0) {
		*err = failure;
		r = -err->code;
	}
	return r;
}

static int kill_all(const struct view *view, const char *id, int number, struct arena *arena,
		    struct error *err)
{
	int r;

	if (!has_cgroup(view->record)) {
		r = view->pidfd < 0 ? 0 : signal_init(view, id, number, err);
		return r == -ESRCH ? 0 : r;
	}
	r = number == SIGKILL ? cgroup_kill(view->record->cgroup, err)
			      : signal_all(view, number, arena, err);
	return r < 0 ? error_in(err, "%s", id) : 0;
}

/* What shares a pid namespace does not end with its first process.  It is killed as a whole, also when that
 * process has gone and left others. */
static int kill_sharing(const struct view *view, const char *id, struct arena *arena,
			struct error *err)
{
	const struct oci_record_cgroup *cgroup = view->record->cgroup;
	size_t count = 0;
	pid_t *pids;
	int r;

	r = cgroup_processes(cgroup, arena, &pids, &count, err);
	if (r == 0 && count == 0 && view->pidfd < 0)
		return view_not_running(id, err);
	if (r == 0)
		r = cgroup_kill(cgroup, err);
	return r < 0 ? error_in(err, "%s", id) : 0;
}

static int kill_first(const struct view *view, const char *id, int number, struct arena *arena,
		      struct error *err)
{
	const struct oci_record *record = view->record;
	int r;

	if (view->status == STATUS_CREATING)
		return view_not_running(id, err);
	if (number == SIGKILL && record->shares_pids && has_cgroup(record) && record->cgroup->made)
		return kill_sharing(view, id, arena, err);
	if (view->status == STATUS_STOPPED)
		return view_not_running(id, err);
	r = signal_init(view, id, number, err);
	/* A process that a v1 cgroup has frozen, perhaps only now, takes no signal, not even this one. */
	if (r == 0 && number == SIGKILL && has_cgroup(record) && cgroup_frozen(record->cgroup))
		r = cgroup_kill(record->cgroup, err);
	return r;
}

int container_kill(const struct state_root *root, const char *id, int number, bool all,
		   struct error *err)
{
	autoarena struct arena arena = {0};
	struct view view;
	int r = arena_open_private(&arena, err);

	if (r == 0)
		r = view_open(&view, root, id, &arena, err);
	if (r < 0)
		return r;
	r = all ? kill_all(&view, id, number, &arena, err)
		: kill_first(&view, id, number, &arena, err);
	view_release(&view);
	return r;
}
