/*
 * annotations: what others wrote on the container.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#annotations
 *
 * They are kept in the state record and told by the state command; nothing is done with the ones that
 * nobody knows.  A value may be empty, a key may not.
 */
#include "linux/section.h"

static int annotations_validate(const struct oci_config *config, struct error *err)
{
	for (size_t i = 0; i < config->annotations_len; i++)
		if (config->annotations[i].key[0] == '\0')
			return error_config(err, "annotations: a key is empty");
	return 0;
}

const struct section section_annotations = {
	.path = "annotations",
	.validate = annotations_validate,
};
