/*
 * domainname: the NIS domain that getdomainname(2) tells in the container.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#domainname
 *
 * Set from inside, as the namespace's root, before the root file system is switched.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "linux/section.h"
#include "linux/uts-name.h"

static int domainname_validate(const struct oci_config *config, struct error *err)
{
	return uts_name_validate(config, "domainname", config->domainname, err);
}

static int domainname_prepare(struct container *container, struct error *err)
{
	return uts_name_prepare(container, "domainname", container->config->domainname, err);
}

static int domainname_apply(struct container *container, struct error *err)
{
	const char *name = container->config->domainname;

	if (!name || !name[0] || setdomainname(name, strlen(name)) == 0)
		return 0;
	return error_errno(err, errno, "domainname: set it to \"%s\"", name);
}

const struct section section_domainname = {
	.path = "domainname",
	.validate = domainname_validate,
	.prepare = domainname_prepare,
};

const struct step step_domainname = {
	.name = "domainname",
	.apply = domainname_apply,
};
