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
		if (r < 0)
			error_in(err, "weightDevice[%zu]", i);
	}
	return r;
}

static int write_throttle(const char *directory, const struct throttle *throttle, bool v2,
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
		r = setting_write(directory, v2 ? "io.max" : throttle->v1_file, throttle->property,
				  value, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int write_throttles(const char *directory, const struct oci_block_io *io, bool v2,
			   struct error *err)
{
	struct throttle list[THROTTLES];
	int r = 0;

	list_throttles(io, list);
	for (int i = 0; i < THROTTLES && r == 0; i++)
		r = write_throttle(directory, &list[i], v2, err);
	return r;
}

/* Where weights are written, and whether in the range of io.weight. */
struct weight_files {
	const char *all, *device, *leaf, *leaf_device;
	bool converted;
};

static int64_t convert(const struct weight_files *files, uint16_t weight)
{
	if (!files->converted)
		return weight;
	return 1 + (int64_t)(weight - LEAST_WEIGHT) * 9999 / (MOST_WEIGHT - LEAST_WEIGHT);
}

static void format_weight(const struct oci_weight_device *device, int64_t weight,
			  char value[VALUE_SIZE])
{
	snprintf(value, VALUE_SIZE, "%" PRId64 ":%" PRId64 " %" PRId64, device->major,
		 device->minor, weight);
}

static int write_device_weights(const char *directory, const struct oci_weight_device *device,
				const struct weight_files *files, struct error *err)
{
	char value[VALUE_SIZE];
	int r = 0;

	if (device->has_weight && device->weight) {
		format_weight(device, convert(files, device->weight), value);
		r = setting_write(directory, files->device, "weight", value, err);
	}
	if (r < 0 || !device->has_leaf_weight || !device->leaf_weight)
		return r;
	if (!files->leaf_device)
		return setting_unknown("leafWeight", "2", err);
	format_weight(device, device->leaf_weight, value);
	return setting_write(directory, files->leaf_device, "leafWeight", value, err);
}

static int write_weights(const char *directory, const struct oci_block_io *io,
			 const struct weight_files *files, struct error *err)
{
	int r = 0;

	if (io->has_weight && io->weight)
		r = setting_write_number(directory, files->all, "weight",
					 convert(files, io->weight), err);
	if (r == 0 && io->has_leaf_weight && io->leaf_weight && !files->leaf)
		r = setting_unknown("leafWeight", "2", err);
	else if (r == 0 && io->has_leaf_weight && io->leaf_weight)
		r = setting_write_number(directory, files->leaf, "leafWeight", io->leaf_weight,
					 err);
	for (size_t i = 0; r == 0 && i < io->weight_device_len; i++) {
		r = write_device_weights(directory, &io->weight_device[i], files, err);
		if (r < 0)
			error_in(err, "weightDevice[%zu]", i);
	}
	return r;
}

static int block_io_apply_v2(const char *directory, const struct oci_resources *resources,
			     struct error *err)
{
	static const struct weight_files bfq = {.all = "io.bfq.weight", .device = "io.bfq.weight"};
	static const struct weight_files plain = {
		.all = "io.weight", .device = "io.weight", .converted = true};
	const struct weight_files *files = setting_exists(directory, bfq.all) ? &bfq : &plain;
	int r = write_weights(directory, resources->block_io, files, err);

	return r < 0 ? r : write_throttles(directory, resources->block_io, true, err);
}

static int block_io_apply_v1(const char *directory, const struct oci_resources *resources,
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
	const struct weight_files *files = setting_exists(directory, plain.all) ? &plain : &bfq;
	int r = write_weights(directory, resources->block_io, files, err);

	return r < 0 ? r : write_throttles(directory, resources->block_io, false, err);
}

const struct controller controller_block_io = {
	.name = "io",
	.property = "blockIO",
	.v1_file = "blkio.throttle.read_bps_device",
	.asked = block_io_asked,
	.check = block_io_check,
	.apply_v2 = block_io_apply_v2,
	.apply_v1 = block_io_apply_v1,
};
