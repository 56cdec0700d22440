/*
 * linux.resources.devices: see devices.h.
 *
 *	https://docs.kernel.org/admin-guide/cgroup-v1/devices.html
 *
 * A container whose root may make device nodes could make that of the host's disk.  So whatever the
 * rules say, they begin with nothing allowed, as the kernel does after "deny a"; a rule for
 * everything ends what was said before it.  After the last such denial come the devices that every
 * container may have, because an engine that denies everything still means its container to have
 * /dev/null; rules that the user gives after it are stronger.
 *
 * In a user namespace the kernel lets nobody set this, and needs nobody to: device nodes that are
 * made there cannot be opened.
 */
#include "cgroup/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "cgroup/controller.h"

static const struct device_rule implied_rules[] = {
	{true, 'c', DEVICE_ANY, DEVICE_ANY, ACCESS_MAKE, true}, /* nodes that are made but not */
	{true, 'b', DEVICE_ANY, DEVICE_ANY, ACCESS_MAKE, true}, /* opened are harmless */
	{true, 'c', 1, 3, ACCESS_ALL, true},			/* /dev/null */
	{true, 'c', 1, 5, ACCESS_ALL, true},			/* /dev/zero */
	{true, 'c', 1, 7, ACCESS_ALL, true},			/* /dev/full */
	{true, 'c', 1, 8, ACCESS_ALL, true},			/* /dev/random */
	{true, 'c', 1, 9, ACCESS_ALL, true},			/* /dev/urandom */
	{true, 'c', 5, 0, ACCESS_ALL, true},			/* /dev/tty */
	{true, 'c', 5, 1, ACCESS_ALL, true},			/* /dev/console */
	{true, 'c', 5, 2, ACCESS_ALL, true},			/* /dev/ptmx */
	{true, 'c', 136, DEVICE_ANY, ACCESS_ALL, true},		/* /dev/pts/N */
	{true, 'c', 10, 200, ACCESS_ALL, true},			/* /dev/net/tun */
};

enum { IMPLIED = sizeof(implied_rules) / sizeof(implied_rules[0]) };

static int parse_access(const char *text, unsigned int *access, struct error *err)
{
	*access = 0;
	for (const char *letter = text; *letter; letter++) {
		if (*letter == 'r')
			*access |= ACCESS_READ;
		else if (*letter == 'w')
			*access |= ACCESS_WRITE;
		else if (*letter == 'm')
			*access |= ACCESS_MAKE;
		else
			return error_config(err, "access \"%s\" is not made of r, w and m", text);
	}
	return 0;
}

static int parse_number(bool has, int64_t value, const char *what, int64_t *number,
			struct error *err)
{
	*number = !has || value < 0 ? DEVICE_ANY : value;
	if (*number > UINT32_MAX)
		return error_config(err, "%s %" PRId64 " is too large", what, value);
	return 0;
}

static int parse_rule(const struct oci_device_rule *from, struct device_rule *rule,
		      struct error *err)
{
	const char *type = from->type && from->type[0] ? from->type : "a";
	int r;

	*rule = (struct device_rule){.allow = from->allow, .type = type[0]};
	if (!strchr("abcu", type[0]) || type[1] != '\0')
		return error_config(err, "type \"%s\" is none of a, b and c", type);
	if (type[0] == 'u') /* another word for c, as in linux.devices */
		rule->type = 'c';
	r = parse_number(from->has_major, from->major, "major", &rule->major, err);
	if (r == 0)
		r = parse_number(from->has_minor, from->minor, "minor", &rule->minor, err);
	if (r == 0)
		r = parse_access(from->access && from->access[0] ? from->access : "rwm",
				 &rule->access, err);
	return r;
}

/* Whether a rule leaves nothing open: what was said before it does not matter. */
static bool ends_all(const struct device_rule *rule)
{
	return rule->type == 'a' && rule->access == ACCESS_ALL && rule->major == DEVICE_ANY &&
	       rule->minor == DEVICE_ANY;
}

int devices_check(const struct oci_resources *resources, struct error *err)
{
	struct device_rule rule;

	for (size_t i = 0; resources && i < resources->devices_len; i++)
		if (parse_rule(&resources->devices[i], &rule, err) < 0)
			return error_in(err, "linux.resources.devices[%zu]", i);
	return 0;
}

int devices_rules(const struct oci_resources *resources, struct device_rules *list,
		  struct error *err)
{
	size_t given = resources ? resources->devices_len : 0;

	*list = (struct device_rules){.rules = calloc(given + IMPLIED, sizeof(*list->rules))};
	if (!list->rules)
		return error_errno(err, ENOMEM, "list the device rules");
	memcpy(list->rules, implied_rules, sizeof(implied_rules));
	list->count = IMPLIED;
	for (size_t i = 0; i < given; i++) {
		struct device_rule *rule = &list->rules[list->count];

		if (parse_rule(&resources->devices[i], rule, err) < 0) {
			free(take_pointer(list->rules));
			return error_in(err, "linux.resources.devices[%zu]", i);
		}
		list->count++;
		if (!ends_all(rule))
			continue;
		list->all = rule->allow;
		list->count = list->all ? 0 : IMPLIED;
		memcpy(list->rules, implied_rules, list->count * sizeof(*rule));
	}
	return 0;
}

/* -- version 1 -------------------------------------------------------------------------------- */

static void format_number(int64_t number, char text[SETTING_SIZE])
{
	if (number == DEVICE_ANY)
		snprintf(text, SETTING_SIZE, "*");
	else
		snprintf(text, SETTING_SIZE, "%" PRId64, number);
}

static int write_line(int fd, const struct device_rule *rule, char type)
{
	char major[SETTING_SIZE], minor[SETTING_SIZE], line[3 * SETTING_SIZE];
	int length;

	format_number(rule->major, major);
	format_number(rule->minor, minor);
	length = snprintf(line, sizeof(line), "%c %s:%s %s%s%s", type, major, minor,
			  rule->access & ACCESS_READ ? "r" : "",
			  rule->access & ACCESS_WRITE ? "w" : "",
			  rule->access & ACCESS_MAKE ? "m" : "");
	return write(fd, line, (size_t)length) < 0 ? -errno : 0;
}

/* The kernel takes "a" for everything, whatever follows: a rule for both types is two. */
static int write_rule(int fd, const struct device_rule *rule)
{
	int r;

	if (rule->type != 'a')
		return write_line(fd, rule, rule->type);
	r = write_line(fd, rule, 'c');
	return r < 0 ? r : write_line(fd, rule, 'b');
}

static int write_rules(int allow, int deny, const struct device_rules *list, struct error *err)
{
	if (write(list->all ? allow : deny, "a", 1) < 0)
		return error_errno(err, errno, "linux.resources.devices: %s all devices",
				   list->all ? "allow" : "deny");
	for (size_t i = 0; i < list->count; i++) {
		const struct device_rule *rule = &list->rules[i];
		int r = write_rule(rule->allow ? allow : deny, rule);

		/* What the cgroup above does not have cannot be handed on, nor was it asked for. */
		if (r == 0 || (r == -EPERM && rule->implied))
			continue;
		error_errno(err, -r, "linux.resources.devices: %s %c %" PRId64 ":%" PRId64,
			    rule->allow ? "allow" : "deny", rule->type, rule->major, rule->minor);
		return r == -EPERM ? error_hint(err, "the cgroup above does not allow it") : r;
	}
	return 0;
}

static int open_file(const char *directory, const char *file)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int apply_v1(const char *directory, const struct device_rules *list, struct error *err)
{
	autoclose int allow = open_file(directory, "devices.allow");
	autoclose int deny = open_file(directory, "devices.deny");

	if (allow < 0 || deny < 0)
		return error_errno(err, -(allow < 0 ? allow : deny),
				   "linux.resources.devices: open the list of %s", directory);
	return write_rules(allow, deny, list, err);
}

/* -- both ------------------------------------------------------------------------------------- */

/* Whether we are somebody whom the kernel lets set device rules: root of the machine. */
static bool is_host_root(void)
{
	enum { FIRST_USER_NAMESPACE = 0xEFFFFFFD }; /* its inode, linux/nsfs.h */
	struct stat status;

	return geteuid() == 0 && (stat("/proc/self/ns/user", &status) < 0 ||
				  status.st_ino == (ino_t)FIRST_USER_NAMESPACE);
}

int devices_apply(const struct oci_record_cgroup *place, const struct oci_resources *resources,
		  struct error *err)
{
	const char *v1 = limits_v1_directory(place, "devices.allow");
	struct device_rules list;
	int r = devices_rules(resources, &list, err);

	if (r < 0)
		return r;
	if (v1)
		r = apply_v1(v1, &list, err);
	else if (place->v2)
		r = devices_attach(place->v2, &list, err);
	free(list.rules);
	if ((r == -EPERM || r == -EACCES) && !is_host_root())
		return 0;
	return r;
}
