/*
 * What this version of proa has no code for.
 *
 * A property that is there to protect or to limit must not be passed over: a container that was thought to
 * be confined and is not is worse than none.  Each is refused until it has a section of its own.
 */
#include <stddef.h>

#include "linux/section.h"

static bool has_text(const char *text)
{
	return text && text[0];
}

static const char *find_in_process(const struct oci_process *process)
{
	if (has_text(process->apparmor_profile))
		return "process.apparmorProfile";
	if (has_text(process->selinux_label))
		return "process.selinuxLabel";
	if (process->scheduler)
		return "process.scheduler";
	if (process->io_priority)
		return "process.ioPriority";
	return NULL;
}

static const char *find_in_linux(const struct oci_linux *properties)
{
	if (properties->intel_rdt)
		return "linux.intelRdt";
	if (properties->memory_policy)
		return "linux.memoryPolicy";
	if (has_text(properties->mount_label))
		return "linux.mountLabel";
	if (properties->net_devices_len)
		return "linux.netDevices";
	if (properties->personality)
		return "linux.personality";
	return NULL;
}

static int unsupported_validate(const struct oci_config *config, struct error *err)
{
	const char *found = config->process ? find_in_process(config->process) : NULL;

	if (!found && config->linux)
		found = find_in_linux(config->linux);
	if (!found)
		return 0;
	error_config(err, "%s is not part of this version", found);
	return error_hint(err, "remove it to run the container without");
}

const struct section section_unsupported = {
	.path = "what this version has no code for",
	.validate = unsupported_validate,
};
