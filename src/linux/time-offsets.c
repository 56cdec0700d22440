/*
 * linux.timeOffsets: how far the container's clocks are from the host's.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#time-namespace-offsets
 *	time_namespaces(7)
 */
#include "linux/time-offsets.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "basic/cleanup.h"
#include "basic/procfs.h"
#include "linux/section.h"

enum { NANOSECONDS = 1000000000 };

static bool makes_time_namespace(const struct oci_linux *properties)
{
	for (size_t i = 0; i < properties->namespaces_len; i++) {
		const struct oci_namespace *namespace = &properties->namespaces[i];

		if (strcmp(namespace->type, "time") == 0)
			return !namespace->path || !namespace->path[0];
	}
	return false;
}

static int validate_offset(const struct oci_time_offset_entry *offset, struct error *err)
{
	if (strcmp(offset->key, "monotonic") != 0 && strcmp(offset->key, "boottime") != 0) {
		error_config(err, "linux.timeOffsets: unknown clock \"%s\"", offset->key);
		return error_hint(err, "the clocks are monotonic and boottime");
	}
	if (offset->value.nanosecs >= NANOSECONDS)
		return error_config(
			err, "linux.timeOffsets.%s.nanosecs: %" PRIu32 " is a second or more",
			offset->key, offset->value.nanosecs);
	return 0;
}

static int time_offsets_validate(const struct oci_config *config, struct error *err)
{
	const struct oci_linux *properties = config->linux;

	if (!properties || properties->time_offsets_len == 0)
		return 0;
	for (size_t i = 0; i < properties->time_offsets_len; i++)
		if (validate_offset(&properties->time_offsets[i], err) < 0)
			return -err->code;
	if (makes_time_namespace(properties))
		return 0;
	error_config(err, "linux.timeOffsets: the container has no new time namespace");
	return error_hint(err, "add {\"type\": \"time\"}, without a path, to linux.namespaces");
}

static int write_offsets(int fd, const struct oci_linux *properties, struct error *err)
{
	char text[128];
	size_t used = 0;

	/* There are two clocks, and no name comes twice in a JSON object. */
	for (size_t i = 0; i < properties->time_offsets_len && used < sizeof(text); i++) {
		const struct oci_time_offset_entry *offset = &properties->time_offsets[i];

		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "%s %" PRId64 " %" PRIu32 "\n", offset->key,
					 offset->value.secs, offset->value.nanosecs);
	}
	if (used < sizeof(text) && write(fd, text, used) == (ssize_t)used)
		return 0;
	error_errno(err, errno, "linux.timeOffsets: set them");
	if (err->code == ERANGE)
		error_hint(err, "a clock would be before 0, or beyond what the kernel can count");
	return -err->code;
}

int time_offsets_write(const struct container *container, struct error *err)
{
	const struct oci_linux *properties = container->config->linux;
	autoclose int fd = -1;

	if (!properties || properties->time_offsets_len == 0)
		return 0;
	fd = procfs_open(container->proc_fd, "self/timens_offsets", O_WRONLY);
	if (fd < 0)
		return error_errno(err, -fd, "linux.timeOffsets: open /proc/self/timens_offsets");
	return write_offsets(fd, properties, err);
}

const struct section section_time_offsets = {
	.path = "linux.timeOffsets",
	.validate = time_offsets_validate,
};
