/*
 * linux.personality: which kind of Linux the kernel is to the container.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#personality
 *	personality(2)
 *
 * LINUX32 is for 32-bit images on a 64-bit machine: uname(2) tells the 32-bit machine.  The execution
 * domain replaces the caller's as a whole, so that what he was started with (setarch --addr-no-randomize)
 * does not weaken the container.  init sets it before a seccomp filter can forbid that.
 *
 * The specification has a list of flags, and says that there are none yet.  What stands in it is left out
 * with a warning.
 */
#include <errno.h>
#include <sys/personality.h>

#include "basic/log.h"
#include "basic/names.h"
#include "linux/section.h"

static const struct name domains[] = {
	{"LINUX", PER_LINUX},
	{"LINUX32", PER_LINUX32},
	{"", 0},
};

static const struct oci_personality *find_personality(const struct oci_config *config)
{
	return config->linux ? config->linux->personality : NULL;
}

static int personality_validate(const struct oci_config *config, struct error *err)
{
	const struct oci_personality *wanted = find_personality(config);

	if (!wanted || name_find(domains, wanted->domain))
		return 0;
	error_config(err, "linux.personality: unknown domain \"%s\"", wanted->domain);
	return error_hint(err, "the domains are LINUX and LINUX32");
}

static int personality_prepare(struct container *container, struct error *err)
{
	const struct oci_personality *wanted = find_personality(container->config);

	(void)err;
	for (size_t i = 0; wanted && i < wanted->flags_len; i++)
		log_warning("linux.personality.flags[%zu]: %s is ignored: the specification has no "
			    "flags yet",
			    i, wanted->flags[i]);
	return 0;
}

const struct section section_personality = {
	.path = "linux.personality",
	.validate = personality_validate,
	.prepare = personality_prepare,
};

static int personality_apply(struct container *container, struct error *err)
{
	const struct oci_personality *wanted = find_personality(container->config);

	if (!wanted || personality((unsigned long)name_find(domains, wanted->domain)->value) >= 0)
		return 0;
	error_errno(err, errno, "linux.personality: become %s", wanted->domain);
	if (err->code == EINVAL)
		return error_hint(err, "this machine runs no 32-bit programs");
	return -err->code;
}

const struct step step_personality = {
	.name = "linux.personality",
	.apply = personality_apply,
};
