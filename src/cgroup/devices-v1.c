/*
 * Device rules in version 1, where the kernel keeps a list: see devices.h.
 *
 *	https://docs.kernel.org/admin-guide/cgroup-v1/devices.html
 *
 * A cgroup has either all devices, but for a list of exceptions, or none but for such a list.  Rules add
 * to that list and take away from it; one that differs in a single word from an entry leaves it alone.
 * So what the list is to hold is reckoned first, in the same way, and compared with what it holds: new
 * entries are added, then the others removed.  A device that is in both stays usable throughout.
 *
 * A new cgroup begins with the list of the one above it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/file.h"
#include "cgroup/controller.h"
#include "cgroup/devices.h"

enum { MOST_LIST = 64 * 1024 }; /* of devices.list, in bytes */

/* The files to write to. */
struct lists {
	int allow, deny;
};

static void format_number(int64_t number, char text[SETTING_SIZE])
{
	if (number == DEVICE_ANY)
		snprintf(text, SETTING_SIZE, "*");
	else
		snprintf(text, SETTING_SIZE, "%" PRId64, number);
}

static void format_entry(const struct device_rule *entry, char text[4 * SETTING_SIZE])
{
	char major[SETTING_SIZE], minor[SETTING_SIZE];

	format_number(entry->major, major);
	format_number(entry->minor, minor);
	snprintf(text, 4 * SETTING_SIZE, "%c %s:%s %s%s%s", entry->type, major, minor,
		 entry->access & ACCESS_READ ? "r" : "", entry->access & ACCESS_WRITE ? "w" : "",
		 entry->access & ACCESS_MAKE ? "m" : "");
}

/* -- reckoning --------------------------------------------------------------------------------- */

static bool same_device(const struct device_rule *a, const struct device_rule *b)
{
	return a->type == b->type && a->major == b->major && a->minor == b->minor;
}

/* What the list has on exactly this device, or NULL. */
static struct device_rule *find_entry(const struct device_rules *list,
				      const struct device_rule *device)
{
	for (size_t i = 0; i < list->count; i++)
		if (same_device(&list->rules[i], device))
			return &list->rules[i];
	return NULL;
}

static void add_exception(struct device_rules *list, const struct device_rule *rule)
{
	struct device_rule *entry = find_entry(list, rule);

	if (!entry) {
		list->rules[list->count++] = *rule;
		return;
	}
	entry->access |= rule->access;
	entry->implied = entry->implied && rule->implied;
}

/* An entry for many devices cannot lose one of them.  Of those that are implied there is but the making of
 * nodes, which is harmless. */
static int remove_exception(struct device_rules *list, const struct device_rule *rule,
			    struct error *err)
{
	for (size_t i = 0; i < list->count; i++) {
		struct device_rule *entry = &list->rules[i];
		char one[4 * SETTING_SIZE], other[4 * SETTING_SIZE];

		if (same_device(entry, rule)) {
			entry->access &= ~rule->access;
			continue;
		}
		if (entry->implied || !(entry->access & rule->access) ||
		    !devices_overlap(entry, rule))
			continue;
		format_entry(rule, one);
		format_entry(entry, other);
		error_config(err, "\"%s\" cannot be taken out of \"%s\"", one, other);
		return error_hint(err, "version 1 of cgroups has no means for it");
	}
	return 0;
}

/* The exceptions that the rules come to; the kernel takes "a" for everything, so a rule for both types
 * is two. */
static int reckon(const struct device_rules *rules, struct device_rules *list, struct error *err)
{
	*list = (struct device_rules){.all = rules->all,
				      .rules = calloc(2 * rules->count + 1, sizeof(*list->rules))};
	if (!list->rules)
		return error_errno(err, ENOMEM, "list the devices");
	for (size_t i = 0; i < rules->count; i++) {
		struct device_rule rule = rules->rules[i];
		const char *types = rule.type == 'a' ? "cb" : rule.type == 'b' ? "b" : "c";

		for (; *types; types++) {
			rule.type = *types;
			if (rule.allow != list->all)
				add_exception(list, &rule);
			else if (remove_exception(list, &rule, err) < 0)
				return -err->code;
		}
	}
	return 0;
}

/* -- what is there ----------------------------------------------------------------------------- */

static int64_t parse_number(const char *text)
{
	return *text == '*' ? DEVICE_ANY : (int64_t)strtoll(text, NULL, 10);
}

/* A line of devices.list: "c 1:3 rwm". */
static void parse_entry(const char *line, struct device_rule *entry)
{
	const char *colon = strchr(line, ':');
	const char *access = colon ? strchr(colon, ' ') : NULL;

	*entry = (struct device_rule){.allow = true, .type = line[0]};
	if (!access)
		return;
	entry->major = parse_number(line + 2);
	entry->minor = parse_number(colon + 1);
	for (; *access; access++)
		entry->access |= *access == 'r'	  ? ACCESS_READ
				 : *access == 'w' ? ACCESS_WRITE
				 : *access == 'm' ? ACCESS_MAKE
						  : 0;
}

/* Where all devices are allowed the kernel does not tell the exceptions. */
static int read_list(const char *directory, struct device_rules *list, struct error *err)
{
	autofree char *text = malloc(MOST_LIST);
	char path[PATH_MAX], *rest = NULL;
	size_t lines = 1;
	ssize_t length;

	if (!text)
		return error_errno(err, ENOMEM, "list the devices");
	snprintf(path, sizeof(path), "%s/devices.list", directory);
	length = file_read_small(AT_FDCWD, path, text, MOST_LIST);
	if (length < 0)
		return error_errno(err, (int)-length, "read %s", path);
	for (const char *end = text; (end = strchr(end, '\n')) != NULL; end++)
		lines++;
	*list = (struct device_rules){.all = text[0] == 'a',
				      .rules = calloc(lines, sizeof(*list->rules))};
	if (!list->rules)
		return error_errno(err, ENOMEM, "list the devices");
	for (char *line = strtok_r(text, "\n", &rest); line && !list->all;
	     line = strtok_r(NULL, "\n", &rest))
		parse_entry(line, &list->rules[list->count++]);
	return 0;
}

/* -- changing it ------------------------------------------------------------------------------- */

/* What the cgroup above does not have cannot be handed on; nor was it asked for where it is implied. */
static int write_entry(const struct lists *lists, bool allow, const struct device_rule *entry,
		       struct error *err)
{
	char text[4 * SETTING_SIZE];

	format_entry(entry, text);
	if (write(allow ? lists->allow : lists->deny, text, strlen(text)) >= 0 ||
	    (errno == EPERM && allow && entry->implied))
		return 0;
	error_errno(err, errno, "%s %s", allow ? "allow" : "deny", text);
	return err->code == EPERM ? error_hint(err, "the cgroup above does not allow it")
				  : -err->code;
}

/* From all or none, which also empties the list. */
static int begin_anew(const struct lists *lists, bool all, struct error *err)
{
	if (write(all ? lists->allow : lists->deny, "a", 1) >= 0)
		return 0;
	error_errno(err, errno, "%s all devices", all ? "allow" : "deny");
	if (err->code == EINVAL)
		error_hint(err, "there are cgroups below it");
	return err->code == EPERM && all ? error_hint(err, "the cgroup above does not allow it")
					 : -err->code;
}

/* Writes what one list has more than the other, to be allowed or denied. */
static int write_difference(const struct lists *lists, const struct device_rules *more,
			    const struct device_rules *less, bool allow, struct error *err)
{
	for (size_t i = 0; i < more->count; i++) {
		struct device_rule entry = more->rules[i];
		const struct device_rule *same = find_entry(less, &entry);

		if (same)
			entry.access &= ~same->access;
		if (entry.access && write_entry(lists, allow, &entry, err) < 0)
			return -err->code;
	}
	return 0;
}

static int change(const struct lists *lists, const struct device_rules *there,
		  const struct device_rules *wanted, struct error *err)
{
	const struct device_rules none = {.rules = there->rules};
	int r = 0;

	if (wanted->all && wanted->count > 0 && !there->all) {
		error_config(err, "all devices but some cannot be allowed where none but some are");
		return error_hint(err, "version 1 of cgroups would allow all for a moment");
	}
	if (wanted->all || there->all) {
		r = begin_anew(lists, wanted->all, err);
		there = &none;
	}
	if (r == 0)
		r = write_difference(lists, wanted, there, !wanted->all, err);
	if (r == 0)
		r = write_difference(lists, there, wanted, wanted->all, err);
	return r;
}

/* After a failure what was there is put back; where that was all devices but some the kernel does not tell
 * which, and so there are fewer. */
static int change_or_keep(const char *directory, const struct lists *lists,
			  const struct device_rules *wanted, struct error *err)
{
	struct device_rules there = {0}, now = {0};
	struct error ignored = {0};
	int r = read_list(directory, &there, err);

	if (r == 0)
		r = change(lists, &there, wanted, err);
	if (r < 0 && !there.all && read_list(directory, &now, &ignored) == 0)
		change(lists, &now, &there, &ignored);
	free(there.rules);
	free(now.rules);
	return r;
}

static int open_file(const char *directory, const char *file)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	fd = openat(AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int devices_list(const char *directory, const struct device_rules *list, struct error *err)
{
	autoclose int allow = open_file(directory, "devices.allow");
	autoclose int deny = open_file(directory, "devices.deny");
	const struct lists lists = {allow, deny};
	struct device_rules wanted;
	int r;

	if (allow < 0 || deny < 0)
		return error_errno(err, -(allow < 0 ? allow : deny), "open the list of %s",
				   directory);
	r = reckon(list, &wanted, err);
	if (r == 0)
		r = change_or_keep(directory, &lists, &wanted, err);
	free(wanted.rules);
	return r;
}
