/*
 * linux.resources.devices as properties of a systemd unit.
 *
 *	https://www.freedesktop.org/software/systemd/man/latest/systemd.resource-control.html#DeviceAllow=
 *
 * systemd can only be told what is allowed, by number, by the name of a driver, or all.  Rules that can't be
 * said so are left to the program that is attached to the cgroup as well, which carries out all of them: in
 * version 2 a device takes the consent of both.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup/devices.h"
#include "cgroup/systemd.h"

enum { PATTERN_SIZE = 128 };

/* The driver of a major number, in the part of /proc/devices that is headed "Character" or "Block". */
static bool find_driver(const char *devices, char type, int64_t major, char name[PATTERN_SIZE])
{
	const char *part = strstr(devices, type == 'c' ? "Character devices:" : "Block devices:");
	int64_t number;
	int end;

	for (part = part ? strchr(part, '\n') : NULL; part; part = strchr(part + 1, '\n')) {
		if (sscanf(part, "%" SCNd64 " %99s%n", &number, name, &end) != 2)
			return false;
		if (number == major)
			return true;
	}
	return false;
}

/* "/dev/char/1:3", "char-pts", "block-*"; false when there is no such word. */
static bool make_pattern(const struct device_rule *rule, char type, const char *devices,
			 char pattern[PATTERN_SIZE])
{
	const char *kind = type == 'c' ? "char" : "block";
	char name[PATTERN_SIZE] = "*";

	if (rule->major != DEVICE_ANY && rule->minor != DEVICE_ANY) {
		snprintf(pattern, PATTERN_SIZE, "/dev/%s/%" PRId64 ":%" PRId64, kind, rule->major,
			 rule->minor);
		return true;
	}
	if (rule->minor != DEVICE_ANY ||
	    (rule->major != DEVICE_ANY && !find_driver(devices, type, rule->major, name)))
		return false;
	snprintf(pattern, PATTERN_SIZE, "%s-%.100s", kind, name);
	return true;
}

/* What no driver on this machine has cannot be used, whether or not it is allowed. */
static bool no_driver(const struct device_rule *rule, char type, const char *devices)
{
	char name[PATTERN_SIZE];

	return rule->major != DEVICE_ANY && rule->minor == DEVICE_ANY &&
	       !find_driver(devices, type, rule->major, name);
}

struct list {
	const char *devices;
	struct request *request; /* or NULL: they are only counted */
	size_t count;
};

static bool add_pattern(struct list *list, const struct device_rule *rule, char type)
{
	char pattern[PATTERN_SIZE], access[4];

	if (no_driver(rule, type, list->devices))
		return true;
	if (!rule->allow || !make_pattern(rule, type, list->devices, pattern))
		return false;
	list->count++;
	if (!list->request)
		return true;
	snprintf(access, sizeof(access), "%s%s%s", rule->access & ACCESS_READ ? "r" : "",
		 rule->access & ACCESS_WRITE ? "w" : "", rule->access & ACCESS_MAKE ? "m" : "");
	request_word(list->request, pattern);
	request_word(list->request, access);
	return true;
}

static bool add_rules(struct list *list, const struct device_rules *rules)
{
	for (size_t i = 0; i < rules->count; i++) {
		const struct device_rule *rule = &rules->rules[i];

		if (rule->type != 'b' && !add_pattern(list, rule, 'c'))
			return false;
		if (rule->type != 'c' && !add_pattern(list, rule, 'b'))
			return false;
	}
	return true;
}

int scope_devices(const struct oci_resources *resources, const char *devices,
		  struct request *request, struct error *err)
{
	struct list list = {.devices = devices};
	struct device_rules rules;
	bool strict;

	if (devices_rules(resources, &rules, err) < 0)
		return -err->code;
	strict = !rules.all && add_rules(&list, &rules);
	request_text(request, NEED_MUST, "DevicePolicy", strict ? "strict" : "auto");
	/* An empty list is what takes earlier ones away. */
	request_property(request, NEED_MUST, "DeviceAllow", "a(ss)", 0);
	if (strict && list.count) {
		request_property(request, NEED_MUST, "DeviceAllow", "a(ss)", 2 * list.count);
		list.request = request;
		add_rules(&list, &rules);
	}
	devices_release(&rules);
	return 0;
}
