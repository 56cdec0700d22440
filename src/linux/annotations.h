/* The annotations that mean something to proa: those by which engines ask for what config.json has no
 * property for. */
#pragma once

#include "libocispec/types.h"

/* The value of the annotation key, or NULL. */
const char *annotation_find(const struct oci_config *config, const char *key);

/* The same of annotations that stand elsewhere: in a container's record. */
const char *annotation_in(const struct oci_pair *annotations, size_t count, const char *key);

/* Whether an annotation that is a switch is there, and not "0". */
bool annotation_is_set(const struct oci_config *config, const char *key);
