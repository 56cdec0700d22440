/*
 * linux.sysctl: kernel settings of the container's namespaces.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#sysctl
 *	sysctl(8), proc_sys(5)
 *
 * Only what the kernel keeps once for each namespace may be set, and only when the container has that
 * namespace to itself: anything else would change the host.  A name is made into its file's path once,
 * as sysctl(8) does it: the separator that comes first ("." or "/") is the separator, and the other one
 * belongs to the names (net/ipv4/conf/eth0.100/forwarding, net.ipv4.conf.eth0/100.forwarding).
 *
 * init writes them from inside its namespaces, before mounts and root, through the runtime's own procfs:
 * whatever else is mounted at /proc, the write reaches the file that is meant, or fails.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "basic/procfs.h"
#include "linux/namespaces.h"
#include "linux/section.h"

enum { MOST_NAME = 512 };

/* Which settings belong to which kind of namespace; a row that ends in "/" stands for all below it. */
static const struct owner {
	const char *path;
	const char *type; /* as in linux.namespaces */
	int flag;
} owners[] = {
	{"net/", "network", CLONE_NEWNET},
	{"user/", "user", CLONE_NEWUSER},
	{"fs/mqueue/", "ipc", CLONE_NEWIPC},
	{"kernel/msgmax", "ipc", CLONE_NEWIPC},
	{"kernel/msgmnb", "ipc", CLONE_NEWIPC},
	{"kernel/msgmni", "ipc", CLONE_NEWIPC},
	{"kernel/msg_next_id", "ipc", CLONE_NEWIPC},
	{"kernel/sem", "ipc", CLONE_NEWIPC},
	{"kernel/sem_next_id", "ipc", CLONE_NEWIPC},
	{"kernel/shmall", "ipc", CLONE_NEWIPC},
	{"kernel/shmmax", "ipc", CLONE_NEWIPC},
	{"kernel/shmmni", "ipc", CLONE_NEWIPC},
	{"kernel/shm_next_id", "ipc", CLONE_NEWIPC},
	{"kernel/shm_rmid_forced", "ipc", CLONE_NEWIPC},
	{"kernel/domainname", "uts", CLONE_NEWUTS},
};

static const struct owner *owner_of(const char *path)
{
	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
		size_t length = strlen(owners[i].path);

		if (owners[i].path[length - 1] == '/' ? strncmp(path, owners[i].path, length) == 0
						      : strcmp(path, owners[i].path) == 0)
			return &owners[i];
	}
	return NULL;
}

static bool has_control(const char *text, const char *allowed)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text) && !strchr(allowed, *text))
			return true;
	return false;
}

/* Swaps "." and "/" in place if "." is the separator. */
static void normalise(char *name)
{
	size_t first = strcspn(name, "./");

	if (name[first] != '.')
		return;
	for (; *name; name++) {
		if (*name == '.')
			*name = '/';
		else if (*name == '/')
			*name = '.';
	}
}

/* Whether every component is a name, and none is "." or "..": these lead to another setting. */
static bool is_clean(const char *path)
{
	while (true) {
		size_t length = strcspn(path, "/");

		if (length == 0 || strncmp(path, ".", length) == 0 ||
		    (length == 2 && strncmp(path, "..", 2) == 0))
			return false;
		if (path[length] == '\0')
			return true;
		path += length + 1;
	}
}

static int validate_path(const struct oci_config *config, const char *path, struct error *err)
{
	const struct owner *owner = owner_of(path);

	if (strcmp(path, "kernel/hostname") == 0) {
		error_config(err, "the host name is not set here");
		return error_hint(err, "use the property hostname");
	}
	if (!owner) {
		error_config(err, "no namespace has such a setting");
		return error_hint(err, "if there is one it is the host's, and to be set there");
	}
	if (namespace_has(config, owner->type))
		return 0;
	error_config(err, "the container shares the host's %s namespace", owner->type);
	return error_hint(err, "add {\"type\": \"%s\"} to linux.namespaces", owner->type);
}

static int validate_setting(const struct oci_config *config, const struct oci_pair *setting,
			    struct error *err)
{
	char path[MOST_NAME];

	if (strlen(setting->key) >= sizeof(path))
		return error_config(err, "its name is too long");
	strcpy(path, setting->key);
	normalise(path);
	if (!is_clean(path) || has_control(path, ""))
		return error_config(err, "this is no setting's name");
	if (has_control(setting->value, "\t"))
		return error_config(err, "its value has a control character in it");
	if (validate_path(config, path, err) < 0)
		return -err->code;
	if (strcmp(path, "kernel/domainname") == 0 && config->domainname && config->domainname[0] &&
	    strcmp(config->domainname, setting->value) != 0)
		return error_config(err, "domainname is \"%s\" already", config->domainname);
	return 0;
}

static int sysctl_validate(const struct oci_config *config, struct error *err)
{
	const struct oci_linux *properties = config->linux;

	for (size_t i = 0; properties && i < properties->sysctl_len; i++)
		if (validate_setting(config, &properties->sysctl[i], err) < 0)
			return error_in(err, "linux.sysctl[\"%s\"]", properties->sysctl[i].key);
	return 0;
}

static int prepare_setting(const struct container *container, const struct oci_pair *setting,
			   struct oci_pair *plan, struct error *err)
{
	int own = container->new_namespaces | container->joined_namespaces;
	char path[MOST_NAME];

	snprintf(path, sizeof(path), "%s", setting->key);
	normalise(path);
	/* A namespace with a path may turn out to be the runtime's own. */
	if (!(own & owner_of(path)->flag))
		return error_config(err, "the %s namespace to join is the runtime's own",
				    owner_of(path)->type);
	plan->key = arena_printf(container->arena, "sys/%s", path);
	plan->value = setting->value;
	return plan->key ? 0 : arena_full(container->arena, err);
}

static int sysctl_prepare(struct container *container, struct error *err)
{
	const struct oci_linux *properties = container->config->linux;
	size_t count = properties ? properties->sysctl_len : 0;

	if (count == 0)
		return 0;
	container->sysctls = arena_array(container->arena, struct oci_pair, count);
	if (!container->sysctls)
		return arena_full(container->arena, err);
	for (size_t i = 0; i < count; i++)
		if (prepare_setting(container, &properties->sysctl[i], &container->sysctls[i],
				    err) < 0)
			return error_in(err, "linux.sysctl[\"%s\"]", properties->sysctl[i].key);
	container->sysctls_len = count;
	return 0;
}

static int write_setting(int proc, const struct oci_pair *setting, struct error *err)
{
	int r = procfs_write(proc, setting->key, setting->value);

	if (r == -ENOENT)
		return error_config(err, "this kernel has no such setting");
	if (r == -EXDEV)
		return error_config(err, "in the host's /proc something else is mounted there");
	if (r == 0)
		return 0;
	error_errno(err, -r, "set it to \"%s\"", setting->value);
	if (err->code == EINVAL && strstr(setting->key, "/ping_group_range"))
		error_hint(err, "its groups must be in linux.gidMappings");
	return -err->code;
}

static int sysctl_apply(struct container *container, struct error *err)
{
	for (size_t i = 0; i < container->sysctls_len; i++)
		if (write_setting(container->proc_fd, &container->sysctls[i], err) < 0)
			return error_in(err, "linux.sysctl: /proc/%s", container->sysctls[i].key);
	return 0;
}

const struct section section_sysctl = {
	.path = "linux.sysctl",
	.validate = sysctl_validate,
	.prepare = sysctl_prepare,
};

const struct step step_sysctl = {
	.name = "linux.sysctl",
	.apply = sysctl_apply,
};
