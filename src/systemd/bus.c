/*
 * proa-systemd's calls: see bus.h.
 *
 *	https://www.freedesktop.org/software/systemd/man/latest/sd-bus.html
 *	https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.systemd1.html
 *	https://systemd.io/CONTROL_GROUP_INTERFACE/
 *
 * A call that starts or stops a unit only makes a job; what came of it is told by the signal JobRemoved,
 * and before that the unit's cgroup is not to be relied on.
 */
#include "systemd/bus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SYSTEMD "org.freedesktop.systemd1"
#define OBJECT	"/org/freedesktop/systemd1"
#define MANAGER "org.freedesktop.systemd1.Manager"

/* One in ten milliseconds. */
enum { MOST_LOOKS = 100 };

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

static uint64_t time_left(const struct link *link)
{
	uint64_t time = now();

	return link->deadline > time ? link->deadline - time : 0;
}

/* Does what there is to do, or waits for more; -ETIMEDOUT when time is up. */
static int turn(const struct link *link)
{
	int r = sd_bus_process(link->bus, NULL);

	if (r != 0)
		return r;
	if (time_left(link) == 0)
		return -ETIMEDOUT;
	return sd_bus_wait(link->bus, time_left(link));
}

/* -- connecting --------------------------------------------------------------------------------- */

static int note_job(sd_bus_message *message, void *context, sd_bus_error *error)
{
	struct link *link = context;
	const char *job, *result;
	uint32_t id;

	(void)error;
	if (link->job && sd_bus_message_read(message, "uoss", &id, &job, NULL, &result) >= 0 &&
	    strcmp(job, link->job) == 0)
		snprintf(link->result, sizeof(link->result), "%s", result);
	return 0;
}

/* systemd's own socket, behind which there is no bus: the last resort where none runs. */
static bool is_private(const char *address)
{
	static const char end[] = "/systemd/private";
	size_t length = strlen(address);

	return length > strlen(end) && strcmp(address + length - strlen(end), end) == 0;
}

static int explain_connection(const char *address, int code, struct error *err)
{
	if (code == ENOENT || code == ECONNREFUSED) {
		error_config(err, "nobody listens at %s", address);
		err->code = ECONNREFUSED;
	}
	if (code == EACCES || code == EPERM)
		error_config(err, "%s does not let this user in", address);
	else if (code == ETIMEDOUT)
		error_config(err, "%s: no answer within %d s", address,
			     SYSTEMD_MILLISECONDS / 1000);
	else if (err->code == 0)
		error_errno(err, code, "%s", address);
	return error_hint(err, "--cgroup-manager cgroupfs does without systemd");
}

static int connect_to(struct link *link, const char *address)
{
	bool direct = is_private(address);
	int r = sd_bus_new(&link->bus);

	if (r >= 0)
		r = sd_bus_set_method_call_timeout(link->bus,
						   (uint64_t)SYSTEMD_MILLISECONDS * 1000);
	if (r >= 0)
		r = sd_bus_set_address(link->bus, address);
	if (r >= 0)
		r = sd_bus_set_bus_client(link->bus, !direct);
	if (r >= 0)
		r = sd_bus_start(link->bus);
	/* Without waiting for the answer: what is asked next stands behind it in the queue. */
	if (r >= 0)
		r = sd_bus_match_signal_async(link->bus, NULL, direct ? NULL : SYSTEMD, OBJECT,
					      MANAGER, "JobRemoved", note_job, NULL, link);
	/* The library's own patience with one that does not answer at all is longer. */
	while (r >= 0 && (r = sd_bus_is_ready(link->bus)) == 0)
		r = turn(link);
	return r;
}

int link_open(struct link *link, const char *address, struct error *err)
{
	int r;

	link->deadline = now() + (uint64_t)SYSTEMD_MILLISECONDS * 1000;
	if (link->bus)
		return 0;
	r = connect_to(link, address);
	return r < 0 ? explain_connection(address, -r, err) : 0;
}

/* -- calls -------------------------------------------------------------------------------------- */

static int begin_call(const struct link *link, const char *method, sd_bus_message **message)
{
	return sd_bus_message_new_method_call(link->bus, message, SYSTEMD, OBJECT, MANAGER, method);
}

/* Takes the message, and sends it unless r says that it could not be made. */
static int call(const struct link *link, sd_bus_message *message, int r, sd_bus_error *error,
		sd_bus_message **reply)
{
	uint64_t left = time_left(link);

	if (r >= 0)
		r = left ? sd_bus_call(link->bus, message, left, error, reply) : -ETIMEDOUT;
	sd_bus_message_unref(message);
	return r;
}

static int wait_for_job(struct link *link, sd_bus_message *reply, const char *doing,
			const struct unit *unit)
{
	int r = sd_bus_message_read(reply, "o", &link->job);

	link->result[0] = '\0';
	while (r >= 0 && link->result[0] == '\0')
		r = turn(link);
	link->job = NULL;
	if (r < 0)
		return explain_refusal(doing, unit, &SD_BUS_ERROR_NULL, r);
	if (strcmp(link->result, "done") == 0)
		return 0;
	error_config(&unit->answer->err, "%s %s: systemd's job ended with \"%s\"", doing,
		     unit->name, link->result);
	return error_hint(&unit->answer->err, "systemd's log says why: \"journalctl\"");
}

/* Forgets how it ended.  That there is none, or that it has not failed, is fine. */
static void reset_failed(const struct link *link, const struct unit *unit)
{
	sd_bus_message *message = NULL, *reply = NULL;
	int r = begin_call(link, "ResetFailedUnit", &message);

	if (r >= 0)
		r = sd_bus_message_append(message, "s", unit->name);
	call(link, message, r, NULL, &reply);
	sd_bus_message_unref(reply);
}

static int try_start(struct link *link, const struct unit *unit, sd_bus_error *error)
{
	sd_bus_message *message = NULL, *reply = NULL;
	int r = begin_call(link, "StartTransientUnit", &message);

	if (r >= 0)
		r = sd_bus_message_append(message, "ss", unit->name, "fail");
	if (r >= 0)
		r = append_properties(message, unit);
	if (r >= 0)
		r = sd_bus_message_append(message, "a(sa(sv))", 0);
	r = call(link, message, r, error, &reply);
	if (r >= 0 && wait_for_job(link, reply, "start", unit) < 0)
		r = -unit->answer->err.code;
	sd_bus_message_unref(reply);
	return r;
}

int unit_start(struct link *link, const struct unit *unit)
{
	bool forgotten = false;

	for (;;) {
		sd_bus_error error = SD_BUS_ERROR_NULL;
		bool again;
		int r = try_start(link, unit, &error);

		if (r >= 0 || unit->answer->err.code)
			return r;
		again = !forgotten &&
			sd_bus_error_has_name(&error, "org.freedesktop.systemd1.UnitExists");
		if (again) {
			/* One that failed, and that nobody has looked at since, still has its name. */
			reset_failed(link, unit);
			forgotten = true;
		}
		if (!again && !drop_property(&error, unit))
			r = explain_refusal("start", unit, &error, r);
		else
			r = 1;
		sd_bus_error_free(&error);
		if (r < 0)
			return r;
	}
}

static int try_set(const struct link *link, const struct unit *unit, sd_bus_error *error)
{
	sd_bus_message *message = NULL, *reply = NULL;
	int r = begin_call(link, "SetUnitProperties", &message);

	/* At run time: not beyond the next boot. */
	if (r >= 0)
		r = sd_bus_message_append(message, "sb", unit->name, 1);
	if (r >= 0)
		r = append_properties(message, unit);
	r = call(link, message, r, error, &reply);
	sd_bus_message_unref(reply);
	return r;
}

int unit_set(struct link *link, const struct unit *unit)
{
	for (;;) {
		sd_bus_error error = SD_BUS_ERROR_NULL;
		int r = try_set(link, unit, &error);

		if (r < 0)
			r = drop_property(&error, unit)
				    ? 1
				    : explain_refusal("set limits of", unit, &error, r);
		else
			r = 0;
		sd_bus_error_free(&error);
		if (r <= 0)
			return r;
	}
}

int unit_attach(struct link *link, const struct unit *unit, const char *cgroup, pid_t pid)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *message = NULL, *reply = NULL;
	int r = begin_call(link, "AttachProcessesToUnit", &message);

	if (r >= 0)
		r = sd_bus_message_append(message, "ssau", unit->name, cgroup, 1, (uint32_t)pid);
	r = call(link, message, r, &error, &reply);
	if (r < 0)
		r = explain_refusal("move a process into", unit, &error, r);
	sd_bus_message_unref(reply);
	sd_bus_error_free(&error);
	return r;
}

static bool is_gone(const sd_bus_error *error)
{
	return sd_bus_error_has_name(error, "org.freedesktop.systemd1.NoSuchUnit");
}

int unit_stop(struct link *link, const struct unit *unit)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *message = NULL, *reply = NULL;
	int r = begin_call(link, "StopUnit", &message);

	if (r >= 0)
		r = sd_bus_message_append(message, "ss", unit->name, "replace");
	r = call(link, message, r, &error, &reply);
	if (r >= 0)
		r = wait_for_job(link, reply, "stop", unit);
	else if (is_gone(&error))
		r = 0;
	else
		r = explain_refusal("stop", unit, &error, r);
	if (r >= 0)
		reset_failed(link, unit);
	sd_bus_message_unref(reply);
	sd_bus_error_free(&error);
	return r;
}

/* How it is: active, inactive, failed, ..., and how many processes there are in it. */
static int look_at(const struct link *link, const struct unit *unit, char state[32],
		   uint64_t *processes, sd_bus_error *error)
{
	sd_bus_message *message = NULL, *reply = NULL;
	const char *path;
	char *text = NULL;
	int r = begin_call(link, "GetUnit", &message);

	if (r >= 0)
		r = sd_bus_message_append(message, "s", unit->name);
	r = call(link, message, r, error, &reply);
	if (r >= 0)
		r = sd_bus_message_read(reply, "o", &path);
	if (r >= 0)
		r = sd_bus_get_property_string(link->bus, SYSTEMD, path, SYSTEMD ".Unit",
					       "ActiveState", error, &text);
	if (r >= 0)
		r = sd_bus_get_property_trivial(link->bus, SYSTEMD, path, SYSTEMD ".Scope",
						"TasksCurrent", error, 't', processes);
	snprintf(state, 32, "%s", text ? text : "");
	free(text);
	sd_bus_message_unref(reply);
	return r;
}

int unit_clear(struct link *link, const struct unit *unit)
{
	const struct timespec moment = {.tv_nsec = 10000000};

	for (int tries = 0; tries < MOST_LOOKS; tries++) {
		sd_bus_error error = SD_BUS_ERROR_NULL;
		uint64_t processes = UINT64_MAX;
		bool gone;
		char state[32];
		int r = look_at(link, unit, state, &processes, &error);

		gone = is_gone(&error);
		if (r < 0 && !gone)
			explain_refusal("look at", unit, &error, r);
		sd_bus_error_free(&error);
		if (r < 0)
			return gone ? 0 : -unit->answer->err.code;
		if ((strcmp(state, "active") == 0 && processes == 0) ||
		    strcmp(state, "failed") == 0)
			return unit_stop(link, unit);
		nanosleep(&moment, NULL);
	}
	return 0;
}
