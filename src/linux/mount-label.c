/*
 * linux.mountLabel: the SELinux context of what is in the container's own file systems.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#mount-label
 *	mount(8), context=
 *
 * Without it a new tmpfs would have the host's label, which the container's program may not write to.  It
 * is a parameter of each new file system, set before anybody sees it.  A bind mount is the host's, and has
 * its labels already: to change these is what engines do.
 *
 * Three kinds of file systems get none.  Those that exist once in the kernel, for all their mounts, have
 * the labels of the host's policy, and refuse another.  In a user namespace the kernel takes it for few.
 * And an mqueue takes it only when it is there, as an attribute of its root.
 */
#include "linux/mount-label.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/xattr.h>

#include "basic/cleanup.h"
#include "basic/syscalls.h"
#include "linux/annotations.h"
#include "linux/mounts.h"
#include "linux/section.h"
#include "linux/selinux.h"

static const char annotation[] = "run.oci.mount_context_type";

/* mount(8); the first is what it is without the annotation. */
static const char *const parameters[] = {"context", "fscontext", "defcontext", "rootcontext"};

static const char *const kernels_own[] = {
	"proc",	    "sysfs",  "mqueue",	  "cgroup",  "cgroup2", "debugfs", "tracefs",  "securityfs",
	"configfs", "pstore", "efivarfs", "fusectl", "bpf",	"binder",  "selinuxfs"};

static const char *const users_own[] = {"tmpfs", "ramfs", "devpts", "overlay"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_in(const char *const *words, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

static const char *find_label(const struct oci_config *config)
{
	const char *label = config->linux ? config->linux->mount_label : NULL;

	return label && label[0] ? label : NULL;
}

static const char *find_parameter(const struct oci_config *config)
{
	const char *wanted = annotation_find(config, annotation);

	return wanted ? wanted : parameters[0];
}

bool mount_label_is(const char *parameter)
{
	return is_in(parameters, COUNT(parameters), parameter);
}

/* -- the runtime ------------------------------------------------------------------------------- */

static int mount_label_validate(const struct oci_config *config, struct error *err)
{
	const char *parameter = find_parameter(config);

	if (mount_label_is(parameter))
		return 0;
	error_config(err, "annotations[\"%s\"]: unknown type \"%s\"", annotation, parameter);
	return error_hint(err, "the types are context, fscontext, defcontext and rootcontext, see "
			       "mount(8)");
}

static int mount_label_prepare(struct container *container, struct error *err)
{
	const char *label = find_label(container->config);

	return label ? selinux_needed("linux.mountLabel", label, err) : 0;
}

/* Who gives a mount a label of its own knows why. */
static bool has_label(const struct mount_options *options)
{
	for (size_t i = 0; i < options->data_len; i++)
		if (mount_label_is(options->data[i].key))
			return true;
	return false;
}

static bool takes_label(const struct container *container, const struct mount_plan *plan)
{
	bool users = container->new_namespaces & CLONE_NEWUSER ||
		     container->joined_namespaces & CLONE_NEWUSER;

	if (has_label(&plan->options))
		return false;
	return users ? is_in(users_own, COUNT(users_own), plan->type)
		     : !is_in(kernels_own, COUNT(kernels_own), plan->type);
}

int mount_label_add(struct container *container, struct mount_plan *plan, struct error *err)
{
	const char *label = find_label(container->config);
	const char *parameter = find_parameter(container->config);
	struct mount_options *options = &plan->options;
	struct oci_pair *data;

	if (!label || !takes_label(container, plan))
		return 0;
	data = arena_array(container->arena, struct oci_pair, options->data_len + 1);
	parameter = arena_copy(container->arena, parameter, strlen(parameter));
	if (!data || !parameter)
		return arena_full(container->arena, err);
	if (options->data_len)
		memcpy(data, options->data, options->data_len * sizeof(*data));
	data[options->data_len].key = parameter;
	data[options->data_len].value = label;
	options->data = data;
	options->data_len++;
	return 0;
}

const struct section section_mount_label = {
	.path = "linux.mountLabel",
	.validate = mount_label_validate,
	.prepare = mount_label_prepare,
};

/* -- init -------------------------------------------------------------------------------------- */

int mount_label_configure(const struct container *container, int context)
{
	const char *label = find_label(container->config);

	return label ? sys_fsconfig(context, FSCONFIG_SET_STRING, find_parameter(container->config),
				    label)
		     : 0;
}

static int label_root(const struct mount_plan *plan, const char *label, struct error *err)
{
	autoclose int root = openat(plan->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root >= 0 && fsetxattr(root, "security.selinux", label, strlen(label) + 1, 0) == 0)
		return 0;
	/* The host's policy gives all of them one label. */
	if (root >= 0 && errno == EOPNOTSUPP)
		return 0;
	return error_errno(err, errno, "give it the label \"%s\"", label);
}

/* What takes its label only when it is there; still in no place, so that nobody has seen it without. */
static int mount_label_apply(struct container *container, struct error *err)
{
	const char *label = find_label(container->config);

	for (size_t i = 0; label && i < container->mounts_len; i++) {
		const struct mount_plan *plan = &container->mounts[i];

		if (plan->kind == MOUNT_FILE_SYSTEM && strcmp(plan->type, "mqueue") == 0 &&
		    !has_label(&plan->options) && label_root(plan, label, err) < 0) {
			error_in(err, "linux.mountLabel");
			return mount_error_in(plan, err);
		}
	}
	return 0;
}

const struct step step_mount_label = {
	.name = "linux.mountLabel",
	.apply = mount_label_apply,
};
