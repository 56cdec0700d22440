/*
 * linux.resources.blockIO: the share of, and the limits on, block devices.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#block-io
 *	https://docs.kernel.org/admin-guide/cgroup-v2.html#io
 *	https://docs.kernel.org/admin-guide/cgroup-v1/blkio-controller.html
 *
 * Weights are kept by the BFQ scheduler where there is one, in files of its own and in the range of
 * config.json, 10 to 1000; without it version 2 has io.weight, 1 to 10000.
 */
#include "cgroup/block-io.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "cgroup/controller.h"

enum { LEAST_WEIGHT = 10, MOST_WEIGHT = 1000, VALUE_SIZE = 96 };

/* The four lists of throttled devices. */
struct throttle {
	const char *property;
	const char *v1_file;
	const char *v2_key; /* in io.max */
	const struct oci_throttle_device *devices;
	size_t count;
};

enum { THROTTLES = 4 };

static void list_throttles(const struct oci_block_io *io, struct throttle list[THROTTLES])
{
	list[0] =
		(struct throttle){"throttleReadBpsDevice", "blkio.throttle.read_bps_device", "rbps",
				  io->throttle_read_bps_device, io->throttle_read_bps_device_len};
	list[1] = (struct throttle){"throttleWriteBpsDevice", "blkio.throttle.write_bps_device",
				    "wbps", io->throttle_write_bps_device,
				    io->throttle_write_bps_device_len};
	list[2] = (struct throttle){"throttleReadIOPSDevice", "blkio.throttle.read_iops_device",
				    "riops", io->throttle_read_iops_device,
				    io->throttle_read_iops_device_len};
	list[3] = (struct throttle){"throttleWriteIOPSDevice", "blkio.throttle.write_iops_device",
				    "wiops", io->throttle_write_iops_device,
				    io->throttle_write_iops_device_len};
}

static bool block_io_asked(const struct oci_resources *resources)
{
	const struct oci_block_io *io = resources->block_io;

	return io && ((io->has_weight && io->weight) || (io->has_leaf_weight && io->leaf_weight) ||
		      io->weight_device_len || io->throttle_read_bps_device_len ||
		      io->throttle_write_bps_device_len || io->throttle_read_iops_device_len ||
		      io->throttle_write_iops_device_len);
}

static int check_weight(bool has, uint16_t weight, const char *property, struct error *err)
{
	if (!has || weight == 0 || (weight >= LEAST_WEIGHT && weight <= MOST_WEIGHT))
		return 0;
	return error_config(err, "%s: %u is not between 10 and 1000", property,
			    (unsigned int)weight);
}

static int check_device(int64_t major, int64_t minor, struct error *err)
{
	if (major >= 0 && minor >= 0 && major <= UINT32_MAX && minor <= UINT32_MAX)
		return 0;
	return error_config(err, "no device has the number %" PRId64 ":%" PRId64, major, minor);
}

static int check_throttles(const struct oci_block_io *io, struct error *err)
{
	struct throttle list[THROTTLES];

	list_throttles(io, list);
	for (int i = 0; i < THROTTLES; i++)
		for (size_t j = 0; j < list[i].count; j++) {
			const struct oci_throttle_device *device = &list[i].devices[j];

			if (check_device(device->major, device->minor, err) < 0)
				return error_in(err, "%s[%zu]", list[i].property, j);
		}
	return 0;
}

static int block_io_check(const struct oci_resources *resources, struct error *err)
{
	const struct oci_block_io *io = resources->block_io;
	int r = check_weight(io->has_weight, io->weight, "weight", err);

	if (r == 0)
		r = check_weight(io->has_leaf_weight, io->leaf_weight, "leafWeight", err);
	for (size_t i = 0; r == 0 && i < io->weight_device_len; i++) {
		const struct oci_weight_device *device = &io->weight_device[i];

		r = check_weight(device->has_weight, device->weight, "weight", err);
		if (r == 0)
			r = check_weight(device->has_leaf_weight, device->leaf_weight, "leafWeight",
					 err);
		if (r == 0)
			r = check_device(device->major, device->minor, err);
		if (r < 0)
			error_in(err, "weightDevice[%zu]", i);
	}
	return r < 0 ? r : check_throttles(io, err);
}

/* Version 2 has no weight of the tasks of a cgroup against those of the cgroups below it. */
static int block_io_check_v2(const struct oci_resources *resources, struct error *err)
{
	const struct oci_block_io *io = resources->block_io;

	if (io->has_leaf_weight && io->leaf_weight)
		return setting_unknown("leafWeight", "2", err);
	for (size_t i = 0; i < io->weight_device_len; i++)
		if (io->weight_device[i].has_leaf_weight && io->weight_device[i].leaf_weight) {
			setting_unknown("leafWeight", "2", err);
			return error_in(err, "weightDevice[%zu]", i);
		}
	return 0;
}

static int write_throttle(const struct target *target, const struct throttle *throttle, bool v2,
			  struct error *err)
{
	for (size_t i = 0; i < throttle->count; i++) {
		const struct oci_throttle_device *device = &throttle->devices[i];
		char value[VALUE_SIZE], rate[SETTING_SIZE];
		int r;

		/* 0 takes a limit away, as in version 1. */
		snprintf(rate, sizeof(rate), "%" PRIu64, device->rate);
		snprintf(value, sizeof(value), "%" PRId64 ":%" PRId64 " %s%s%s", device->major,
			 device->minor, v2 ? throttle->v2_key : "", v2 ? "=" : "",
			 v2 && device->rate == 0 ? V2_NO_LIMIT : rate);
		r = target_write(target, v2 ? "io.max" : throttle->v1_file, throttle->property,
				 value, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int write_throttles(const struct target *target, const struct oci_block_io *io, bool v2,
			   struct error *err)
{
	struct throttle list[THROTTLES];
	int r = 0;

	list_throttles(io, list);
	for (int i = 0; i < THROTTLES && r == 0; i++)
		r = write_throttle(target, &list[i], v2, err);
	return r;
}

uint64_t block_io_weight(uint16_t weight)
{
	return 1 + (uint64_t)(weight - LEAST_WEIGHT) * 9999 / (MOST_WEIGHT - LEAST_WEIGHT);
}

/* Where weights are written, and whether in the range of io.weight. */
struct weight_files {
	const char *all, *device, *leaf, *leaf_device;
	bool converted;
	const struct weight_files *other; /* for devices of which these know nothing, or NULL */
};

static int64_t convert(const struct weight_files *files, uint16_t weight)
{
	return files->converted ? (int64_t)block_io_weight(weight) : weight;
}

static void format_weight(const struct oci_weight_device *device, int64_t weight,
			  char value[VALUE_SIZE])
{
	snprintf(value, VALUE_SIZE, "%" PRId64 ":%" PRId64 " %" PRId64, device->major,
		 device->minor, weight);
}

/* Each device has but one of the two mechanisms, if any. */
static int write_device_weight(const struct target *target, const struct oci_weight_device *device,
			       const struct weight_files *files, struct error *err)
{
	char value[VALUE_SIZE];
	int r;

	format_weight(device, convert(files, device->weight), value);
	r = target_write(target, files->device, "weight", value, err);
	if (r == -EOPNOTSUPP && files->other &&
	    setting_exists(target->directory, files->other->device)) {
		format_weight(device, convert(files->other, device->weight), value);
		r = target_write(target, files->other->device, "weight", value, err);
	}
	if (r == -EOPNOTSUPP)
		error_hint(err, "the device has neither the scheduler bfq nor an io.cost.qos");
	return r;
}

static int write_device_weights(const struct target *target, const struct oci_weight_device *device,
				const struct weight_files *files, struct error *err)
{
	char value[VALUE_SIZE];
	int r = 0;

	if (device->has_weight && device->weight)
		r = write_device_weight(target, device, files, err);
	if (r < 0 || !device->has_leaf_weight || !device->leaf_weight)
		return r;
	format_weight(device, device->leaf_weight, value);
	return target_write(target, files->leaf_device, "leafWeight", value, err);
}

static int write_weights(const struct target *target, const struct oci_block_io *io,
			 const struct weight_files *files, struct error *err)
{
	int r = 0;

	if (io->has_weight && io->weight)
		r = target_write_number(target, files->all, "weight", convert(files, io->weight),
					err);
	if (r == 0 && io->has_leaf_weight && io->leaf_weight)
		r = target_write_number(target, files->leaf, "leafWeight", io->leaf_weight, err);
	for (size_t i = 0; r == 0 && i < io->weight_device_len; i++) {
		r = write_device_weights(target, &io->weight_device[i], files, err);
		if (r < 0)
			error_in(err, "weightDevice[%zu]", i);
	}
	return r;
}

static int block_io_apply_v2(const struct target *target, const struct oci_resources *resources,
			     struct error *err)
{
	static const struct weight_files plain = {
		.all = "io.weight", .device = "io.weight", .converted = true};
	static const struct weight_files bfq = {
		.all = "io.bfq.weight", .device = "io.bfq.weight", .other = &plain};
	const struct weight_files *files =
		setting_exists(target->directory, bfq.all) ? &bfq : &plain;
	int r = write_weights(target, resources->block_io, files, err);

	return r < 0 ? r : write_throttles(target, resources->block_io, true, err);
}

static int block_io_apply_v1(const struct target *target, const struct oci_resources *resources,
			     struct error *err)
{
	static const struct weight_files bfq = {
		.all = "blkio.bfq.weight",
		.device = "blkio.bfq.weight_device",
		.leaf = "blkio.leaf_weight",
		.leaf_device = "blkio.leaf_weight_device",
	};
	/* Before Linux 5.0, with the CFQ scheduler. */
	static const struct weight_files plain = {
		.all = "blkio.weight",
		.device = "blkio.weight_device",
		.leaf = "blkio.leaf_weight",
		.leaf_device = "blkio.leaf_weight_device",
	};
	const struct weight_files *files =
		setting_exists(target->directory, plain.all) ? &plain : &bfq;
	int r = write_weights(target, resources->block_io, files, err);

	return r < 0 ? r : write_throttles(target, resources->block_io, false, err);
}

const struct controller controller_block_io = {
	.name = "io",
	.v1_name = "blkio",
	.property = "blockIO",
	.v1_file = "blkio.throttle.read_bps_device",
	.asked = block_io_asked,
	.check = block_io_check,
	.check_v2 = block_io_check_v2,
	.apply_v2 = block_io_apply_v2,
	.apply_v1 = block_io_apply_v1,
};
