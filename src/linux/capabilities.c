/*
 * process.capabilities: what of root's power the container has.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#linux-process
 *	capabilities(7)
 *
 * A set that is not listed is empty, and without process.capabilities all are.
 *
 * A name that nobody knows, or a capability that the runtime itself does not have to give, is left out
 * with a warning, as the specification asks: engines list all that they know, on older kernels too.
 *
 * init drops them when all that needs them is done.  The user has been switched by then, with
 * PR_SET_KEEPCAPS, so that the permitted ones are still there.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "basic/log.h"
#include "basic/syscalls.h"
#include "linux/capability-names.h"
#include "linux/section.h"

#define BIT(capability) (UINT64_C(1) << (capability))

enum { MOST_CAPABILITIES = 64 };

/* -- the runtime ------------------------------------------------------------------------------- */

/* Names for a warning: as many as fit. */
struct names {
	char text[512];
	size_t length;
};

static void add_name(struct names *names, const char *name)
{
	size_t room = sizeof(names->text) - names->length;
	int length = snprintf(names->text + names->length, room, "%s%s", names->length ? ", " : "",
			      name);

	if (length > 0 && (size_t)length < room)
		names->length += (size_t)length;
	else
		names->text[names->length] = '\0';
}

static void add_names(struct names *names, uint64_t capabilities)
{
	char name[32];

	for (int i = 0; i < MOST_CAPABILITIES; i++) {
		if (!(capabilities & BIT(i)))
			continue;
		capability_name(i, name, sizeof(name));
		add_name(names, name);
	}
}

static uint64_t read_set(const char *const *set, size_t count, struct names *unknown)
{
	uint64_t capabilities = 0;

	for (size_t i = 0; i < count; i++) {
		int number = capability_number(set[i]);

		if (number >= 0 && number < MOST_CAPABILITIES)
			capabilities |= BIT(number);
		else if (!strstr(unknown->text, set[i]))
			add_name(unknown, set[i]);
	}
	return capabilities;
}

static struct capability_plan read_sets(const struct oci_capabilities *sets, struct names *unknown)
{
	return (struct capability_plan){
		.bounding = read_set(sets->bounding, sets->bounding_len, unknown),
		.effective = read_set(sets->effective, sets->effective_len, unknown),
		.permitted = read_set(sets->permitted, sets->permitted_len, unknown),
		.inheritable = read_set(sets->inheritable, sets->inheritable_len, unknown),
		.ambient = read_set(sets->ambient, sets->ambient_len, unknown),
	};
}

/* capset(2) would refuse what this finds, and say no more than "operation not permitted". */
static int expect_subset(uint64_t part, const char *part_name, uint64_t whole,
			 const char *whole_name, struct error *err)
{
	struct names missing = {.length = 0};

	if (!(part & ~whole))
		return 0;
	add_names(&missing, part & ~whole);
	return error_config(err, "process.capabilities.%s: %s is not in %s", part_name,
			    missing.text, whole_name);
}

static int capabilities_validate(const struct oci_config *config, struct error *err)
{
	struct names unknown = {.length = 0};
	struct capability_plan plan;

	if (!config->process || !config->process->capabilities)
		return 0;
	plan = read_sets(config->process->capabilities, &unknown);
	if (unknown.length)
		log_warning("process.capabilities: ignoring unknown names: %s", unknown.text);
	if (expect_subset(plan.effective, "effective", plan.permitted, "permitted", err) < 0)
		return -err->code;
	return expect_subset(plan.inheritable, "inheritable", plan.bounding, "bounding", err);
}

/* Those of these capabilities that the kernel has. */
static uint64_t known_to_kernel(uint64_t capabilities)
{
	for (int i = 0; i < MOST_CAPABILITIES; i++)
		if ((capabilities & BIT(i)) && prctl(PR_CAPBSET_READ, i, 0, 0, 0) < 0)
			capabilities &= ~BIT(i);
	return capabilities;
}

/* Both halves of each set, as capget(2) and capset(2) have them. */
struct kernel_sets {
	struct __user_cap_data_struct half[_LINUX_CAPABILITY_U32S_3];
};

static int get_sets(struct kernel_sets *sets)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

	return sys_capget(&header, sets->half);
}

static uint64_t permitted_of(const struct kernel_sets *sets)
{
	return sets->half[0].permitted | (uint64_t)sets->half[1].permitted << 32;
}

static uint64_t effective_of(const struct kernel_sets *sets)
{
	return sets->half[0].effective | (uint64_t)sets->half[1].effective << 32;
}

/* Leaves out of the plan what cannot be had, and says so. */
static void limit_plan(struct capability_plan *plan, uint64_t bounding, uint64_t permitted)
{
	struct names lost = {.length = 0}, not_ambient = {.length = 0};
	uint64_t of_process = plan->permitted | plan->inheritable | plan->ambient;

	add_names(&lost, (plan->bounding & ~bounding) | (of_process & ~permitted));
	plan->bounding &= bounding;
	plan->permitted &= permitted;
	plan->effective &= plan->permitted;
	plan->inheritable &= permitted & plan->bounding;
	plan->ambient &= permitted;
	if (lost.length)
		log_warning("process.capabilities: ignoring what the runtime does not have: %s",
			    lost.text);

	add_names(&not_ambient, plan->ambient & ~(plan->permitted & plan->inheritable));
	plan->ambient &= plan->permitted & plan->inheritable;
	if (not_ambient.length)
		log_warning("process.capabilities.ambient: ignoring what is not both permitted and "
			    "inheritable: %s",
			    not_ambient.text);
}

static int capabilities_prepare(struct container *container, struct error *err)
{
	const struct oci_process *process = container->config->process;
	int namespaces = container->new_namespaces | container->joined_namespaces;
	bool all = namespaces & CLONE_NEWUSER; /* who enters a user namespace has all in it */
	struct capability_plan *plan = &container->capabilities;
	struct names unknown = {.length = 0};
	uint64_t known;

	(void)err;
	if (!process || !process->capabilities)
		return 0;
	*plan = read_sets(process->capabilities, &unknown);
	if (!all) {
		limit_plan(plan, container->self.bounding, container->self.permitted);
		return 0;
	}
	known = known_to_kernel(plan->bounding | plan->permitted | plan->inheritable |
				plan->ambient);
	limit_plan(plan, known, known);
	return 0;
}

/* -- init -------------------------------------------------------------------------------------- */

static int set_sets(const struct capability_plan *plan, struct error *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct kernel_sets sets, after = {0};

	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		sets.half[i] = (struct __user_cap_data_struct){
			.effective = (uint32_t)(plan->effective >> 32 * i),
			.permitted = (uint32_t)(plan->permitted >> 32 * i),
			.inheritable = (uint32_t)(plan->inheritable >> 32 * i),
		};
	if (sys_capset(&header, sets.half) < 0)
		return error_errno(err, errno, "process.capabilities: set them");
	/* A security module or a filter may let the call succeed and do nothing. */
	if (get_sets(&after) < 0 || memcmp(&sets, &after, sizeof(sets)) != 0)
		return error_config(err, "process.capabilities: they are not what was set");
	return 0;
}

/* Whether init has it: 1 or 0, or -1 beyond the last one that the kernel knows. */
static int is_bounding(int capability)
{
	return prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
}

static int not_as_set(const char *set, struct error *err)
{
	return error_config(err, "process.capabilities.%s: it is not what was set", set);
}

static bool is_in(uint64_t set, int capability)
{
	return capability < MOST_CAPABILITIES && set & BIT(capability);
}

/* The first that is there and is not to be, or that the kernel does not know. */
static int find_excess(uint64_t bounding)
{
	int i = 0;

	while (i <= MOST_CAPABILITIES && (is_in(bounding, i) || is_bounding(i) == 0))
		i++;
	return i;
}

/* Drops what is not to be there, up to the last that the kernel knows. */
static int drop_from(int first, uint64_t bounding, struct error *err)
{
	for (int i = first; i <= MOST_CAPABILITIES; i++) {
		if (is_in(bounding, i) || prctl(PR_CAPBSET_DROP, i, 0, 0, 0) == 0)
			continue;
		if (errno == EINVAL)
			return 0;
		return error_errno(err, errno, "process.capabilities.bounding: drop capability %d",
				   i);
	}
	return not_as_set("bounding", err);
}

/*
 * A filter of the caller's may let a call succeed and do nothing.  It knows the call, and not which capability
 * it is about: so of the first one that is there it is looked whether it then is gone, and none is believed who
 * knows more capabilities than the sets have room for.
 */
static int limit_bounding_set(uint64_t bounding, struct error *err)
{
	int first = find_excess(bounding);
	int r = drop_from(first, bounding, err);

	return r == 0 && is_bounding(first) > 0 ? not_as_set("bounding", err) : r;
}

static int is_ambient(int capability)
{
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, capability, 0, 0);
}

/* Only what is both permitted and inheritable can be ambient: mostly there is nothing to read back. */
static int check_ambient(const struct capability_plan *plan, struct error *err)
{
	uint64_t possible = plan->permitted & plan->inheritable;

	if (!possible)
		return 0;
	for (int i = 0; i < MOST_CAPABILITIES; i++)
		if (possible & BIT(i) && is_ambient(i) != (int)(plan->ambient >> i & 1))
			return not_as_set("ambient", err);
	return is_ambient(MOST_CAPABILITIES) < 0 ? 0 : not_as_set("ambient", err);
}

static int set_ambient(const struct capability_plan *plan, struct error *err)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return error_errno(err, errno, "process.capabilities.ambient: clear it");
	for (int i = 0; i < MOST_CAPABILITIES; i++)
		if (plan->ambient & BIT(i) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) < 0)
			return error_errno(err, errno,
					   "process.capabilities.ambient: raise capability %d", i);
	return check_ambient(plan, err);
}

/* Dropping takes CAP_SETPCAP to be effective, which the switch of the user has ended. */
static int make_permitted_effective(struct error *err)
{
	struct capability_plan plan = {0};
	struct kernel_sets sets = {0};

	if (get_sets(&sets) < 0)
		return error_errno(err, errno, "process.capabilities: find init's own");
	plan.permitted = plan.effective = permitted_of(&sets);
	return plan.effective == effective_of(&sets) ? 0 : set_sets(&plan, err);
}

static int capabilities_apply(struct container *container, struct error *err)
{
	const struct capability_plan *plan = &container->capabilities;
	int r = make_permitted_effective(err);

	if (r == 0)
		r = limit_bounding_set(plan->bounding, err);
	if (r == 0)
		r = set_sets(plan, err);
	if (r == 0)
		r = set_ambient(plan, err);
	return r;
}

const struct section section_capabilities = {
	.path = "process.capabilities",
	.validate = capabilities_validate,
	.prepare = capabilities_prepare,
};

const struct step step_capabilities = {
	.name = "process.capabilities",
	.apply = capabilities_apply,
};
