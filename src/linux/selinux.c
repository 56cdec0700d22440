/*
 * process.selinuxLabel: the SELinux context that the container's program runs in.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#linux-process
 *	selinux(8), setexeccon(3), setkeycreatecon(3)
 *
 * init asks for it twice.  Its session keyring must be born with the label, or the program could not use
 * it: that comes before the keyring is made, and first of all.  The label of the program itself comes late,
 * since it counts from the next execve(2) on, but before no_new_privs, and while the host's procfs is in
 * reach.  The label for keys needs no taking back: execve(2) does.
 */
#include "linux/selinux.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/vfs.h>

#include "linux/lsm-attribute.h"
#include "linux/section.h"

enum { LONGEST_LABEL = 4096 };

static const char *find_label(const struct oci_config *config)
{
	const char *label = config->process ? config->process->selinux_label : NULL;

	return label && label[0] ? label : NULL;
}

/* -- the runtime ------------------------------------------------------------------------------- */

int selinux_needed(const char *property, const char *label, struct error *err)
{
	struct statfs status;

	if (statfs("/sys/fs/selinux", &status) == 0 && (uint32_t)status.f_type == SELINUX_MAGIC)
		return 0;
	error_config(err, "%s: SELinux is not enabled on this machine", property);
	return error_hint(err, "remove the label \"%s\", or mount a selinuxfs on /sys/fs/selinux",
			  label);
}

static int selinux_prepare(struct container *container, struct error *err)
{
	const char *label = find_label(container->config);

	return label ? selinux_needed("process.selinuxLabel", label, err) : 0;
}

const struct section section_selinux = {
	.path = "process.selinuxLabel",
	.prepare = selinux_prepare,
};

/* -- init -------------------------------------------------------------------------------------- */

/* User, role and type.  What follows them the kernel may write in another way: c1,c0 as c0,c1. */
static size_t fixed_length(const char *label)
{
	size_t length = strcspn(label, ":");

	for (int i = 0; i < 2 && label[length]; i++)
		length += 1 + strcspn(label + length + 1, ":");
	return length;
}

static bool is_label(const char *now, const char *label)
{
	size_t length = fixed_length(label);

	return strncmp(now, label, length) == 0 && (now[length] == ':' || now[length] == '\0');
}

static int explain_refusal(const char *name, const char *label, int code, struct error *err)
{
	lsm_attribute_error(err, code, name);
	if (code == EINVAL)
		return error_hint(err, "the host's policy knows no \"%s\"", label);
	if (code == EACCES || code == EPERM)
		return error_hint(err, "the host's policy does not let proa set \"%s\"", label);
	return -code;
}

static int set_label(const struct container *container, const char *name, struct error *err)
{
	const char *label = find_label(container->config);
	char now[LONGEST_LABEL];
	int r;

	if (!label)
		return 0;
	r = lsm_attribute_write(container->proc_fd, name, label);
	if (r < 0)
		explain_refusal(name, label, -r, err);
	else if (lsm_attribute_read(container->proc_fd, name, now, sizeof(now)) < 0 ||
		 !is_label(now, label))
		r = error_config(err, "write `/proc/self/attr/%s`: it is not what was written",
				 name);
	return r < 0 ? error_in(err, "process.selinuxLabel") : 0;
}

static int selinux_keyring(struct container *container, struct error *err)
{
	return container->no_new_keyring ? 0 : set_label(container, "keycreate", err);
}

const struct step step_selinux_keyring = {
	.name = "process.selinuxLabel: keyring",
	.apply = selinux_keyring,
};

static int selinux_apply(struct container *container, struct error *err)
{
	return set_label(container, "exec", err);
}

const struct step step_selinux = {
	.name = "process.selinuxLabel",
	.apply = selinux_apply,
};
