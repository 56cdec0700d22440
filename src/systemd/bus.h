/* The talk of proa-systemd with systemd, over D-Bus; of the helper alone. */
#pragma once

#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "systemd/request.h"

struct link {
	sd_bus *bus;
	uint64_t deadline; /* of the request, in microseconds of CLOCK_MONOTONIC */
	const char *job;   /* the one that is waited for */
	char result[32];   /* of it: "done", "failed", ... */
};

/* What a request is about. */
struct unit {
	const char *name;
	struct request_reader properties;
	struct answer *answer;
};

/* Connects where there is no connection yet. */
int link_open(struct link *link, const char *address, struct error *err);

int unit_start(struct link *link, const struct unit *unit);
int unit_set(struct link *link, const struct unit *unit);
int unit_attach(struct link *link, const struct unit *unit, const char *cgroup, pid_t pid);
int unit_stop(struct link *link, const struct unit *unit);

/* Stops it if there is no process in it; gives one that is coming or going a while. */
int unit_clear(struct link *link, const struct unit *unit);

/* -- bus-message.c ------------------------------------------------------------------------------ */

/* Appends the properties as a(sv), without those that answer->dropped names. */
int append_properties(sd_bus_message *message, const struct unit *unit);

/* Whether the error is that a property is unknown which may be: then it is in answer->dropped now. */
bool drop_property(const sd_bus_error *error, const struct unit *unit);

/* "DOING UNIT: ..." with what systemd said, in words that mean nothing else to engines. */
int explain_refusal(const char *doing, const struct unit *unit, const sd_bus_error *error, int r);
