/* The maps of a container's user namespace. */
#pragma once

#include <stdbool.h>

#include "linux/container.h"

enum { MOST_ID_RANGES = 340 }; /* user_namespaces(7) */

/* For whatever else has mappings: whether the kernel can take them. */
int id_mappings_validate_ranges(const struct oci_id_mapping *maps, size_t count, struct error *err);

/* Writes map to file, "uid_map" or "gid_map", of the process pid, which is in a new user namespace; proc is the
 * host's procfs. */
int id_map_write(int proc, const struct id_map *map, pid_t pid, const char *file,
		 struct error *err);

/* Whether id has a meaning inside: *outside is then what the host calls it.  True for every id when the
 * container has no user namespace of its own whose map is known. */
bool id_map_lookup(const struct container *container, const struct id_map *map, uint32_t id,
		   uint32_t *outside);

/* For the runtime: writes both maps of the user namespace that the process pid has just made. */
int id_mappings_write(const struct container *container, pid_t pid, struct error *err);

/* For whoever has come into the user namespace: becomes root of it, or where it has no root its first
 * user, so that what is made belongs to somebody inside. */
int id_mappings_become(const struct container *container, struct error *err);
