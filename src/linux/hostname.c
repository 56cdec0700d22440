/*
 * hostname: the name that gethostname(2) tells in the container.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#hostname
 *
 * Set from inside, as the namespace's root, before the root file system is switched.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "linux/section.h"
#include "linux/uts-name.h"

static int hostname_validate(const struct oci_config *config, struct error *err)
{
	return uts_name_validate(config, "hostname", config->hostname, err);
}

static int hostname_prepare(struct container *container, struct error *err)
{
	return uts_name_prepare(container, "hostname", container->config->hostname, err);
}

static int hostname_apply(struct container *container, struct error *err)
{
	const char *name = container->config->hostname;

	if (!name || !name[0] || sethostname(name, strlen(name)) == 0)
		return 0;
	return error_errno(err, errno, "hostname: set it to \"%s\"", name);
}

const struct section section_hostname = {
	.path = "hostname",
	.validate = hostname_validate,
	.prepare = hostname_prepare,
};

const struct step step_hostname = {
	.name = "hostname",
	.apply = hostname_apply,
};
