/*
 * process.apparmorProfile: the AppArmor profile that confines the container's program.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#linux-process
 *	apparmor(7), aa_change_onexec(2)
 *
 * init asks for it late, since it counts from the next execve(2) on, but before no_new_privs, with which
 * the kernel refuses changes; and while the host's procfs is in reach, by which it is written.  Where the
 * profile can't be had there is no container: to run unconfined is not what was asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#include "basic/file.h"
#include "linux/lsm-attribute.h"
#include "linux/section.h"

enum { LONGEST_LABEL = 4096 };

static const char *find_profile(const struct oci_config *config)
{
	const char *profile = config->process ? config->process->apparmor_profile : NULL;

	return profile && profile[0] ? profile : NULL;
}

/* Where the modules do not share files (Linux 5.8), they have no folders of their own. */
static const char *attribute(int proc, const char *own, const char *shared)
{
	return lsm_attribute_exists(proc, own) ? own : shared;
}

/* -- the runtime ------------------------------------------------------------------------------- */

static bool is_enabled(void)
{
	char text[8];

	return file_read_small(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", text,
			       sizeof(text)) > 0 &&
	       text[0] == 'Y';
}

/* Whether the runtime is confined itself, as in a container. */
static bool is_confined(int proc)
{
	char label[LONGEST_LABEL];

	return lsm_attribute_read(proc, attribute(proc, "apparmor/current", "current"), label,
				  sizeof(label)) == 0 &&
	       label[0] && strcmp(label, "unconfined") != 0;
}

static int apparmor_prepare(struct container *container, struct error *err)
{
	const char *profile = find_profile(container->config);
	const char *how = "exec";

	if (!profile)
		return 0;
	if (!is_enabled()) {
		if (strcmp(profile, "unconfined") == 0)
			return 0;
		error_config(err,
			     "process.apparmorProfile: AppArmor is not enabled on this machine");
		return error_hint(err,
				  "without the profile \"%s\" the container would run "
				  "unconfined; remove it, or boot with apparmor=1",
				  profile);
	}
	/* With no_new_privs who is confined can only be confined further: by both profiles at once. */
	if (container->config->process->no_new_privileges && is_confined(container->proc_fd))
		how = "stack";
	container->apparmor = arena_printf(container->arena, "%s %s", how, profile);
	return container->apparmor ? 0 : arena_full(container->arena, err);
}

const struct section section_apparmor = {
	.path = "process.apparmorProfile",
	.prepare = apparmor_prepare,
};

/* -- init -------------------------------------------------------------------------------------- */

/* The kernel tells "docker-default (enforce)" of docker-default; a profile of another namespace, or a
 * stack of several, it may write in another way. */
static bool is_profile(const char *label, const char *profile)
{
	size_t length = strlen(profile);

	if (profile[0] == ':' || strstr(profile, "//&"))
		return label[0] != '\0';
	return strncmp(label, profile, length) == 0 &&
	       (label[length] == '\0' || label[length] == ' ');
}

static int explain_refusal(const char *name, const char *profile, int code, struct error *err)
{
	/* Not in the kernel's words, which are the same as for a program that is missing. */
	if (code == ENOENT) {
		error_config(err, "write `/proc/self/attr/%s`: the profile \"%s\" is not loaded",
			     name, profile);
		return error_hint(err, "load it on the host with apparmor_parser");
	}
	lsm_attribute_error(err, code, name);
	if (code == EACCES || code == EPERM)
		return error_hint(err,
				  "the profile that proa runs under does not allow to change "
				  "to \"%s\"",
				  profile);
	return -code;
}

static int set_profile(int proc, const char *command, const char *profile, struct error *err)
{
	const char *name = attribute(proc, "apparmor/exec", "exec");
	char label[LONGEST_LABEL];
	int r = lsm_attribute_write(proc, name, command);

	if (r < 0)
		return explain_refusal(name, profile, -r, err);
	if (lsm_attribute_read(proc, name, label, sizeof(label)) < 0 || !is_profile(label, profile))
		return error_config(err, "write `/proc/self/attr/%s`: it is not what was written",
				    name);
	return 0;
}

static int apparmor_apply(struct container *container, struct error *err)
{
	const char *profile = find_profile(container->config);

	if (!container->apparmor)
		return 0;
	if (set_profile(container->proc_fd, container->apparmor, profile, err) < 0)
		return error_in(err, "process.apparmorProfile");
	return 0;
}

const struct step step_apparmor = {
	.name = "process.apparmorProfile",
	.apply = apparmor_apply,
};
