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
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/large.h"
#include "basic/users.h"
#include "cgroup/controller.h"

static const struct device_rule implied_rules[] = {
	{true, 'a', DEVICE_ANY, DEVICE_ANY, ACCESS_MAKE, true}, /* harmless until it is opened */
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

enum { IMPLIED = sizeof(implied_rules) / sizeof(implied_rules[0]), USUAL_RULES = 64 };

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

/* Without malloc(), which takes five calls and two pages where nothing else needs it. */
static struct device_rule usual[USUAL_RULES] LARGE;

void devices_release(struct device_rules *list)
{
	if (list->rules != usual)
		free(list->rules);
	list->rules = NULL;
}

int devices_rules(const struct oci_resources *resources, struct device_rules *list,
		  struct error *err)
{
	size_t given = resources ? resources->devices_len : 0, most = given + IMPLIED;

	*list = (struct device_rules){
		.rules = most > USUAL_RULES ? calloc(most, sizeof(*list->rules)) : usual,
	};
	if (!list->rules)
		return error_errno(err, ENOMEM, "list the device rules");
	memcpy(list->rules, implied_rules, sizeof(implied_rules));
	list->count = IMPLIED;
	for (size_t i = 0; i < given; i++) {
		struct device_rule *rule = &list->rules[list->count];

		if (parse_rule(&resources->devices[i], rule, err) < 0) {
			devices_release(list);
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

/* -- minimising ------------------------------------------------------------------------------- */

static bool number_covers(int64_t wide, int64_t narrow)
{
	return wide == DEVICE_ANY || wide == narrow;
}

/* Whether all that a rule speaks of is also spoken of by the other. */
static bool covers(const struct device_rule *wide, const struct device_rule *narrow)
{
	return (wide->type == 'a' || wide->type == narrow->type) &&
	       number_covers(wide->major, narrow->major) &&
	       number_covers(wide->minor, narrow->minor) && (narrow->access & ~wide->access) == 0;
}

bool devices_overlap(const struct device_rule *a, const struct device_rule *b)
{
	return (a->type == 'a' || b->type == 'a' || a->type == b->type) &&
	       (number_covers(a->major, b->major) || number_covers(b->major, a->major)) &&
	       (number_covers(a->minor, b->minor) || number_covers(b->minor, a->minor));
}

/* Whether a later rule has the last word on all that the rule at this index says. */
static bool is_overruled(const struct device_rules *list, size_t index)
{
	for (size_t i = index + 1; i < list->count; i++)
		if (covers(&list->rules[i], &list->rules[index]))
			return true;
	return false;
}

void devices_minimise(struct device_rules *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct device_rule *rule = &list->rules[i];

		/* At the beginning all is so anyway. */
		if ((kept > 0 || rule->allow != list->all) && !is_overruled(list, i))
			list->rules[kept++] = *rule;
	}
	list->count = kept;
}

/* -- applying ---------------------------------------------------------------------------------- */

void devices_apply_ahead(const struct oci_record_cgroup *place,
			 const struct oci_resources *resources)
{
	struct error unheard = {0};
	struct device_rules list;

	if (!place->v2 || limits_v1_directory(place, "devices.allow") ||
	    !in_first_user_namespace() || devices_rules(resources, &list, &unheard) < 0)
		return;
	devices_minimise(&list);
	devices_load_ahead(&list);
	devices_release(&list);
}

int devices_apply(const struct oci_record_cgroup *place, const struct oci_resources *resources,
		  struct error *err)
{
	const char *v1 = limits_v1_directory(place, "devices.allow");
	struct device_rules list;
	int r;

	/* In another user namespace nobody may load a program; it is not tried. */
	if (!v1 && !in_first_user_namespace())
		return 0;
	r = devices_rules(resources, &list, err);
	if (r < 0)
		return r;
	devices_minimise(&list);
	if (v1)
		r = devices_list(v1, &list, err);
	else if (place->v2)
		r = devices_attach(place->v2, &list, err);
	devices_release(&list);
	if ((r == -EPERM || r == -EACCES) && is_plain_user(geteuid()))
		return 0;
	return r < 0 ? error_in(err, "linux.resources.devices") : 0;
}
