/* The parts of the manager "systemd", whose operations are in systemd.c. */
#pragma once

#include "basic/arena.h"
#include "cgroup/cgroup.h"
#include "cgroup/hierarchies.h"
#include "systemd/request.h"

/* -- systemd-helper.c: the program that speaks to systemd --------------------------------------- */

/* An error in a build without it. */
int systemd_check_built(struct error *err);

int helper_begin(struct cgroup_keeper *helper, struct error *err);

/* Sends a request and waits for the answer, for HELPER_MILLISECONDS at most.  Takes the request. */
int helper_ask(const struct cgroup_keeper *helper, struct request *request, struct error *err);

/* Ends it and waits until it is gone.  Accepts one that never began. */
void helper_end(struct cgroup_keeper *helper);

/* All three, for one request. */
int helper_ask_once(struct request *request, struct error *err);

/* -- systemd.c ---------------------------------------------------------------------------------- */

/* Ends the scope if nothing is in it. */
int systemd_clear(const struct oci_record_cgroup *place, struct error *err);

/* -- systemd-bus.c: where systemd is reached ---------------------------------------------------- */

/* The bus of the system, or of the user's own systemd, as D-Bus writes addresses. */
int systemd_bus_find(bool user, struct arena *arena, const char **address, struct error *err);

/* The directory in which that systemd keeps its transient units, or NULL when the arena is full. */
const char *systemd_transient_directory(bool user, struct arena *arena);

/* What the system calls the user whom this process knows as uid; uid_map is the text of the file in /proc. */
uid_t systemd_outer_uid(const char *uid_map, uid_t uid);

/* -- systemd-place.c: where the scope's cgroups are --------------------------------------------- */

/* What can be told before there is one: the directories of version 1, for a systemd that is in the cgroups
 * that manager is about. */
int scope_predict(const struct hierarchies *manager, struct arena *arena,
		  struct oci_record_cgroup *place, struct error *err);

/* Fills in the place by where a process of the scope was found. */
int scope_locate(const struct hierarchies *process, struct arena *arena,
		 struct oci_record_cgroup *place, struct error *err);

/* -- systemd-properties.c, systemd-devices.c: linux.resources as properties --------------------- */

/* What holds already of limits that depend on one another. */
struct scope_limits {
	uint64_t memory;     /* bytes; UINT64_MAX: no limit */
	uint64_t cpu_quota;  /* microseconds; UINT64_MAX: no limit */
	uint64_t cpu_period; /* microseconds */
};

int scope_properties(const struct oci_resources *resources, const struct scope_limits *now,
		     struct request *request, struct error *err);

/* DevicePolicy and DeviceAllow; devices is the text of /proc/devices. */
int scope_devices(const struct oci_resources *resources, const char *devices,
		  struct request *request, struct error *err);
