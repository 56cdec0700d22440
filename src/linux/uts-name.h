/*
 * What hostname and domainname have in common.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#hostname
 *	uts_namespaces(7)
 *
 * Both belong to the UTS namespace.  Without one of its own, new or joined, the container would rename
 * the host.
 */
#pragma once

#include "linux/container.h"

/* property is "hostname" or "domainname"; name is its value, and NULL or "" if it is not to be set. */
int uts_name_validate(const struct oci_config *config, const char *property, const char *name,
		      struct error *err);

/* Refuses a namespace that was to be joined and turns out to be the runtime's own. */
int uts_name_prepare(const struct container *container, const char *property, const char *name,
		     struct error *err);
