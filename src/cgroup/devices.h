/*
 * Which device nodes a container may make, read and write: linux.resources.devices.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#allowed-device-list
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "basic/error.h"
#include "libocispec/types.h"

enum {
	DEVICE_ANY = -1, /* a major or minor number */
	ACCESS_MAKE = 1, /* as in linux/bpf.h, BPF_DEVCG_ACC_* */
	ACCESS_READ = 2,
	ACCESS_WRITE = 4,
	ACCESS_ALL = 7,
};

/* One rule, checked. */
struct device_rule {
	bool allow;
	char type; /* 'a': both, 'b' or 'c' */
	int64_t major, minor;
	unsigned int access;
	bool implied; /* not the user's, but what every container may have */
};

/*
 * The rules in force: beginning with nothing allowed (or with everything, if all is set), the last
 * that speaks of a device decides.
 */
struct device_rules {
	bool all;
	struct device_rule *rules; /* to be released with devices_release() */
	size_t count;
};

int devices_check(const struct oci_resources *resources, struct error *err);

/* Takes out of the list the rules that change nothing. */
void devices_minimise(struct device_rules *list);

/* Whether there is a device that both rules speak of. */
bool devices_overlap(const struct device_rule *a, const struct device_rule *b);

/* With the devices that every container may have, among what the user's rules leave to be said.  One list at a
 * time: most lie in the same place. */
int devices_rules(const struct oci_resources *resources, struct device_rules *list,
		  struct error *err);
void devices_release(struct device_rules *list);

/* The part of devices_apply() that takes its time and needs no cgroup, for these resources next. */
void devices_apply_ahead(const struct oci_record_cgroup *place,
			 const struct oci_resources *resources);

/* resources may be NULL.  What is in force in the cgroup is replaced by what the rules say. */
int devices_apply(const struct oci_record_cgroup *place, const struct oci_resources *resources,
		  struct error *err);

/* -- devices-v1.c: version 1 ------------------------------------------------------------------ */

/* Puts the rules into the list of the cgroup at directory.  At no moment is more allowed than before or
 * afterwards. */
int devices_list(const char *directory, const struct device_rules *list, struct error *err);

/* -- devices-bpf.c: version 2 ----------------------------------------------------------------- */

struct bpf_insn; /* linux/bpf.h */

/* Writes the program that carries out the rules, and returns its length; there is room for
 * devices_program_size() instructions. */
size_t devices_program(const struct device_rules *list, struct bpf_insn *code);
size_t devices_program_size(const struct device_rules *list);

/* Loads the one that the next devices_attach() is going to attach.  Where that fails, it tries again, and tells why. */
void devices_load_ahead(const struct device_rules *list);

/* Attaches it to the cgroup at directory, in place of an earlier one. */
int devices_attach(const char *directory, const struct device_rules *list, struct error *err);
