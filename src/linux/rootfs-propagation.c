/*
 * linux.rootfsPropagation: whether what is mounted on the host, or in the container, is seen by the other.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#rootfs-mount-propagation
 *	mount_namespaces(7)
 *
 * Without it nothing is.  With it, mounts taken from the host (mount-open.c) keep to it from the start, and
 * the root itself is given it at the very end (root.c), when nothing more is mounted by init.
 */
#include <string.h>

#include "basic/syscalls.h"
#include "linux/section.h"

static const struct {
	const char *word;
	unsigned long flags;
} propagations[] = {
	{"private", MS_PRIVATE},       {"rprivate", MS_PRIVATE | MS_REC},
	{"shared", MS_SHARED},	       {"rshared", MS_SHARED | MS_REC},
	{"slave", MS_SLAVE},	       {"rslave", MS_SLAVE | MS_REC},
	{"unbindable", MS_UNBINDABLE}, {"runbindable", MS_UNBINDABLE | MS_REC},
};

static unsigned long find(const char *word)
{
	for (size_t i = 0; i < sizeof(propagations) / sizeof(propagations[0]); i++)
		if (strcmp(propagations[i].word, word) == 0)
			return propagations[i].flags;
	return 0;
}

static const char *property(const struct oci_config *config)
{
	return config->linux ? config->linux->rootfs_propagation : NULL;
}

static int rootfs_propagation_validate(const struct oci_config *config, struct error *err)
{
	const char *word = property(config);

	if (!word || !word[0] || find(word))
		return 0;
	error_config(err, "linux.rootfsPropagation: unknown propagation \"%s\"", word);
	return error_hint(err, "it is one of shared, slave, private and unbindable, each also with "
			       "r before it");
}

static int rootfs_propagation_prepare(struct container *container, struct error *err)
{
	const char *word = property(container->config);

	(void)err;
	container->propagation = word ? find(word) : 0;
	return 0;
}

const struct section section_rootfs_propagation = {
	.path = "linux.rootfsPropagation",
	.validate = rootfs_propagation_validate,
	.prepare = rootfs_propagation_prepare,
};
