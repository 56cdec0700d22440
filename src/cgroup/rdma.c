/*
 * linux.resources.rdma: how many handles and objects of an RDMA device may be used.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#rdma
 *	https://docs.kernel.org/admin-guide/cgroup-v2.html#rdma
 *
 * A number that is not given stays as it is.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cgroup/controller.h"

enum { NAME_SIZE = 64, VALUE_SIZE = NAME_SIZE + 64 }; /* IB_DEVICE_NAME_MAX */

static bool rdma_asked(const struct oci_resources *resources)
{
	return resources->rdma_len > 0;
}

static int rdma_check(const struct oci_resources *resources, struct error *err)
{
	for (size_t i = 0; i < resources->rdma_len; i++) {
		const struct oci_rdma_entry *entry = &resources->rdma[i];

		if (entry->key[0] == '\0' || strlen(entry->key) >= NAME_SIZE ||
		    strpbrk(entry->key, " \n\t"))
			return error_config(err, "\"%s\" is no name of a device", entry->key);
		if (!entry->value.has_hca_handles && !entry->value.has_hca_objects)
			return error_config(err, "%s: neither hcaHandles nor hcaObjects is given",
					    entry->key);
	}
	return 0;
}

/* The same file in both versions: "mlx4_0 hca_handle=2 hca_object=2000". */
static int rdma_apply(const struct target *target, const struct oci_resources *resources,
		      struct error *err)
{
	for (size_t i = 0; i < resources->rdma_len; i++) {
		const struct oci_rdma_entry *entry = &resources->rdma[i];
		char value[VALUE_SIZE];
		int used = snprintf(value, sizeof(value), "%s", entry->key);

		if (entry->value.has_hca_handles)
			used += snprintf(value + used, sizeof(value) - (size_t)used,
					 " hca_handle=%" PRIu32, entry->value.hca_handles);
		if (entry->value.has_hca_objects)
			snprintf(value + used, sizeof(value) - (size_t)used, " hca_object=%" PRIu32,
				 entry->value.hca_objects);
		if (target_write(target, "rdma.max", entry->key, value, err) < 0)
			return -err->code;
	}
	return 0;
}

const struct controller controller_rdma = {
	.name = "rdma",
	.property = "rdma",
	.v1_file = "rdma.max",
	.asked = rdma_asked,
	.check = rdma_check,
	.apply_v2 = rdma_apply,
	.apply_v1 = rdma_apply,
};
