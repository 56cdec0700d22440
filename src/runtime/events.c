/*
 * "events": a stream of statistics and of OOM notices.
 *
 *	https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files, memory.events
 *	https://docs.kernel.org/admin-guide/cgroup-v1/memory.html#oom-control
 *
 * It takes no lock and changes nothing: the container may be paused, killed or deleted meanwhile.
 */
#include "runtime/events.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>

#include "basic/clock.h"
#include "cgroup/cgroup.h"
#include "cgroup/oom.h"
#include "cgroup/statistics.h"
#include "libocispec/encode.h"
#include "runtime/status.h"

/* Who listens is told of at once. */
static int write_event(const struct oci_event *event, struct arena *arena, FILE *out,
		       struct error *err)
{
	const char *json = oci_encode(&oci_event_object, event, arena, OCI_COMPACT);

	if (!json)
		return arena_full(arena, err);
	if (fprintf(out, "%s\n", json) < 0 || fflush(out) != 0)
		return error_errno(err, errno, "write the output");
	return 0;
}

/* Each has an arena of its own, so that a stream may last for ever. */
static int write_statistics(const struct oci_record *record, FILE *out, struct error *err)
{
	struct oci_statistics statistics;
	struct oci_event event = {.type = "stats", .id = record->id, .data = &statistics};
	autoarena struct arena arena = {0};
	int r = arena_open_private(&arena, err);

	if (r == 0)
		r = cgroup_statistics(record->cgroup, &arena, &statistics, err);
	return r == 0 ? write_event(&event, &arena, out, err) : r;
}

static int write_oom(const struct oci_record *record, FILE *out, struct error *err)
{
	const struct oci_event event = {.type = "oom", .id = record->id};
	autoarena struct arena arena = {0};
	int r = arena_open_private(&arena, err);

	return r == 0 ? write_event(&event, &arena, out, err) : r;
}

/* Milliseconds, rounded up: it must not be asked too early. */
static int time_left(uint64_t next)
{
	uint64_t now = clock_milliseconds();

	if (now >= next)
		return 0;
	return next - now > INT_MAX ? INT_MAX : (int)(next - now);
}

enum { INIT, OUTPUT, MEMORY, WATCHED };

static int follow(const struct view *view, struct oom_watch *watch, uint64_t milliseconds,
		  FILE *out, struct error *err)
{
	struct pollfd watched[WATCHED] = {
		[INIT] = {.fd = view->pidfd, .events = POLLIN},
		[OUTPUT] = {.fd = fileno(out)},
	};
	uint64_t next = clock_milliseconds();
	int r = 0;

	while (r == 0 && !watched[INIT].revents && !watched[OUTPUT].revents) {
		if (time_left(next) == 0) {
			r = write_statistics(view->record, out, err);
			next = clock_milliseconds() + milliseconds;
		}
		/* It is -1 when its cgroup has gone. */
		watched[MEMORY] = (struct pollfd){watch->fd, oom_watch_events(watch), 0};
		if (r == 0 && poll(watched, WATCHED, time_left(next)) < 0 && errno != EINTR)
			r = error_errno(err, errno, "wait for events");
		if (r == 0 && (watched[MEMORY].revents || watched[INIT].revents) &&
		    oom_watch_take(watch))
			r = write_oom(view->record, out, err);
	}
	return r;
}

static int tell(const struct view *view, const char *id, const struct events_request *request,
		FILE *out, struct error *err)
{
	const uint64_t milliseconds = (request->interval + 999999) / 1000000;
	struct oom_watch watch;
	int r;

	if (view->pidfd < 0 || view->status == STATUS_CREATING)
		return view_not_running(id, err);
	if (cgroup_none(view->record->cgroup, err) < 0)
		return error_in(err, "%s", id);
	if (request->once)
		return write_statistics(view->record, out, err);
	oom_watch_begin(view->record->cgroup, &watch);
	r = follow(view, &watch, milliseconds, out, err);
	oom_watch_end(&watch);
	if (r != -EPIPE)
		return r;
	/* Who no longer listens has heard enough. */
	clearerr(out);
	return 0;
}

int container_events(const struct state_root *root, const char *id,
		     const struct events_request *request, FILE *out, struct error *err)
{
	autoarena struct arena arena = {0};
	struct view view;
	int r = arena_open_private(&arena, err);

	if (r == 0)
		r = view_open(&view, root, id, &arena, err);
	if (r < 0)
		return r;
	r = tell(&view, id, request, out, err);
	view_release(&view);
	return r;
}
