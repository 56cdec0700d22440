#include "linux/uts-name.h"

#include <ctype.h>
#include <sched.h>
#include <string.h>

#include "linux/namespaces.h"

enum { MOST_BYTES = 64 }; /* __NEW_UTS_LEN */

int uts_name_validate(const struct oci_config *config, const char *property, const char *name,
		      struct error *err)
{
	size_t length = name ? strlen(name) : 0;

	if (length == 0)
		return 0;
	if (length > MOST_BYTES)
		return error_config(err, "%s: %zu bytes are too many, the kernel takes %d",
				    property, length, MOST_BYTES);
	for (size_t i = 0; i < length; i++)
		if (iscntrl((unsigned char)name[i]))
			return error_config(err, "%s: has a control character in it", property);
	if (namespace_has(config, "uts"))
		return 0;
	error_config(err, "%s: the container shares the host's UTS namespace", property);
	return error_hint(err, "add {\"type\": \"uts\"} to linux.namespaces, or remove %s",
			  property);
}

int uts_name_prepare(const struct container *container, const char *property, const char *name,
		     struct error *err)
{
	if (!name || !name[0])
		return 0;
	if ((container->new_namespaces | container->joined_namespaces) & CLONE_NEWUTS)
		return 0;
	error_config(err, "%s: the UTS namespace to join is the runtime's own", property);
	return error_hint(err,
			  "remove its path from linux.namespaces to get a new one, or remove %s",
			  property);
}
