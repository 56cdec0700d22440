/*
 * linux.resources as properties of a systemd unit.
 *
 *	https://www.freedesktop.org/software/systemd/man/latest/systemd.resource-control.html
 *
 * All limits are also written to the cgroup's files.  systemd has to know those that it has a property for
 * because it writes its own values again whenever it reads its configuration anew.  What it has none for it
 * leaves alone; so it is fine, too, if a systemd is too old to know one: then it does not touch that file.
 * Those that every version with cgroups has must be known.
 *
 * Of the same property the last counts: linux.resources.unified stands last, as it does in the files.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/number-list.h"
#include "cgroup/block-io.h"
#include "cgroup/cpu.h"
#include "cgroup/systemd.h"

enum { QUOTA_STEP = 10000, SECOND = 1000000, USUAL_PERIOD = 100000 };

/* "infinity" */
#define NO_LIMIT UINT64_MAX

static uint64_t or_no_limit(int64_t value)
{
	return value < 0 ? NO_LIMIT : (uint64_t)value;
}

/* -- memory, processes -------------------------------------------------------------------------- */

static void add_memory(const struct oci_memory *memory, const struct scope_limits *now,
		       struct request *request)
{
	uint64_t limit = memory->limit ? or_no_limit(memory->limit) : now->memory;
	uint64_t swap = or_no_limit(memory->swap);

	if (memory->limit)
		request_natural(request, NEED_MUST, "MemoryMax", limit);
	if (memory->reservation)
		request_natural(request, NEED_MUST, "MemoryLow", or_no_limit(memory->reservation));
	/* A sum in config.json, swap alone here.  One that makes no sense is refused with the files. */
	if (memory->swap && swap != NO_LIMIT && (limit == NO_LIMIT || swap < limit))
		return;
	if (memory->swap)
		request_natural(request, NEED_MAY, "MemorySwapMax",
				swap == NO_LIMIT ? NO_LIMIT : swap - limit);
}

static void add_pids(const struct oci_pids *pids, struct request *request)
{
	/* systemd takes no 0; 1 is as good, because the container's first process is there. */
	if (pids->has_limit)
		request_natural(request, NEED_MUST, "TasksMax",
				pids->limit == 0 ? 1 : or_no_limit(pids->limit));
}

/* -- processors --------------------------------------------------------------------------------- */

/* As time for each second, in steps of 10 ms, rounded up: it is what systemd rounds to. */
static uint64_t per_second(uint64_t quota, uint64_t period)
{
	uint64_t time;

	if (quota == NO_LIMIT || __builtin_mul_overflow(quota, SECOND, &time))
		return NO_LIMIT;
	time /= period;
	return (time / QUOTA_STEP + (time % QUOTA_STEP != 0)) * QUOTA_STEP;
}

static void add_bandwidth(uint64_t quota, uint64_t period, struct request *request)
{
	request_natural(request, NEED_MUST, "CPUQuotaPerSecUSec",
			per_second(quota, period ? period : USUAL_PERIOD));
	if (period)
		request_natural(request, NEED_MAY, "CPUQuotaPeriodUSec", period);
}

/* A bit for each number, the lowest first, as hexadecimal bytes. */
static int add_set(const char *name, const char *list, struct request *request, struct error *err)
{
	unsigned long bits[NUMBER_LIST_MOST / NUMBER_LIST_WORD] = {0};
	char bytes[NUMBER_LIST_MOST / 4 + 1];
	size_t length = 0;

	if (number_list_parse(list, NUMBER_LIST_MOST, bits, err) < 0)
		return -err->code;
	for (size_t i = 0; i < NUMBER_LIST_MOST / 8; i++) {
		unsigned long word = bits[i * 8 / NUMBER_LIST_WORD];
		unsigned int byte = (unsigned int)(word >> i * 8 % NUMBER_LIST_WORD & 0xff);

		snprintf(bytes + 2 * i, 3, "%02x", byte);
		if (byte)
			length = i + 1;
	}
	bytes[2 * length] = '\0';
	request_property(request, NEED_MAY, name, "ay", 1);
	request_word(request, bytes);
	return 0;
}

static int add_cpu(const struct oci_cpu *cpu, const struct scope_limits *now,
		   struct request *request, struct error *err)
{
	uint64_t quota = cpu->quota ? or_no_limit(cpu->quota) : now->cpu_quota;
	uint64_t period = cpu->period ? cpu->period : now->cpu_period;
	int r = 0;

	/* 0 is what systemd calls idle. */
	if (cpu->has_idle && cpu->idle == 1)
		request_natural(request, NEED_MUST, "CPUWeight", 0);
	else if (cpu->shares)
		request_natural(request, NEED_MUST, "CPUWeight", cpu_weight(cpu->shares));
	if (cpu->quota || cpu->period)
		add_bandwidth(quota, period, request);
	if (cpu->cpus && cpu->cpus[0] && add_set("AllowedCPUs", cpu->cpus, request, err) < 0)
		r = error_in(err, "linux.resources.cpu.cpus");
	if (r == 0 && cpu->mems && cpu->mems[0] &&
	    add_set("AllowedMemoryNodes", cpu->mems, request, err) < 0)
		r = error_in(err, "linux.resources.cpu.mems");
	return r;
}

/* -- block devices ------------------------------------------------------------------------------ */

static void add_device(int64_t major, int64_t minor, uint64_t value, struct request *request)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/block/%" PRId64 ":%" PRId64, major, minor);
	request_word(request, path);
	request_number(request, value);
}

static void add_throttle(const char *name, const struct oci_throttle_device *devices, size_t count,
			 struct request *request)
{
	if (count == 0)
		return;
	request_property(request, NEED_MAY, name, "a(st)", 2 * count);
	for (size_t i = 0; i < count; i++)
		add_device(devices[i].major, devices[i].minor,
			   devices[i].rate ? devices[i].rate : NO_LIMIT, request);
}

static void add_block_io(const struct oci_block_io *io, struct request *request)
{
	size_t weights = 0;

	if (io->weight)
		request_natural(request, NEED_MAY, "IOWeight", block_io_weight(io->weight));
	for (size_t i = 0; i < io->weight_device_len; i++)
		weights += io->weight_device[i].weight != 0;
	if (weights)
		request_property(request, NEED_MAY, "IODeviceWeight", "a(st)", 2 * weights);
	for (size_t i = 0; i < io->weight_device_len; i++)
		if (io->weight_device[i].weight)
			add_device(io->weight_device[i].major, io->weight_device[i].minor,
				   block_io_weight(io->weight_device[i].weight), request);
	add_throttle("IOReadBandwidthMax", io->throttle_read_bps_device,
		     io->throttle_read_bps_device_len, request);
	add_throttle("IOWriteBandwidthMax", io->throttle_write_bps_device,
		     io->throttle_write_bps_device_len, request);
	add_throttle("IOReadIOPSMax", io->throttle_read_iops_device,
		     io->throttle_read_iops_device_len, request);
	add_throttle("IOWriteIOPSMax", io->throttle_write_iops_device,
		     io->throttle_write_iops_device_len, request);
}

/* -- files of version 2 ------------------------------------------------------------------------- */

static const struct row {
	const char *file, *name;
} rows[] = {
	{"memory.max", "MemoryMax"},
	{"memory.high", "MemoryHigh"},
	{"memory.low", "MemoryLow"},
	{"memory.min", "MemoryMin"},
	{"memory.swap.max", "MemorySwapMax"},
	{"memory.zswap.max", "MemoryZSwapMax"},
	{"pids.max", "TasksMax"},
	{"cpu.weight", "CPUWeight"},
	{"io.weight", "IOWeight"},
};

/* "max" or a number; false for what else the kernel may understand. */
static bool parse_value(const char *text, uint64_t *value)
{
	if (strncmp(text, "default ", 8) == 0)
		text += 8;
	if (strcmp(text, "max") != 0)
		return request_parse_number(text, UINT64_MAX, value);
	*value = NO_LIMIT;
	return true;
}

/* "QUOTA" or "QUOTA PERIOD" */
static void add_cpu_max(const char *text, const struct scope_limits *now, struct request *request)
{
	const char *space = strchr(text, ' ');
	uint64_t quota, period = now->cpu_period;
	char first[32];

	snprintf(first, sizeof(first), "%.*s", (int)strcspn(text, " "), text);
	if (!parse_value(first, &quota) ||
	    (space && (!request_parse_number(space + 1, SECOND, &period) || period == 0)))
		return;
	add_bandwidth(quota, period, request);
}

static int add_unified(const struct oci_pair *pair, const struct scope_limits *now,
		       struct request *request, struct error *err)
{
	uint64_t value;

	if (strcmp(pair->key, "cpu.max") == 0)
		add_cpu_max(pair->value, now, request);
	if (strcmp(pair->key, "cpuset.cpus") == 0)
		return add_set("AllowedCPUs", pair->value, request, err);
	if (strcmp(pair->key, "cpuset.mems") == 0)
		return add_set("AllowedMemoryNodes", pair->value, request, err);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].file, pair->key) == 0 && parse_value(pair->value, &value))
			request_natural(request, NEED_MAY, rows[i].name,
					value == 0 && strcmp(pair->key, "pids.max") == 0 ? 1
											 : value);
	return 0;
}

int scope_properties(const struct oci_resources *resources, const struct scope_limits *now,
		     struct request *request, struct error *err)
{
	if (!resources)
		return 0;
	if (resources->memory)
		add_memory(resources->memory, now, request);
	if (resources->cpu && add_cpu(resources->cpu, now, request, err) < 0)
		return -err->code;
	if (resources->pids)
		add_pids(resources->pids, request);
	if (resources->block_io)
		add_block_io(resources->block_io, request);
	for (size_t i = 0; i < resources->unified_len; i++)
		if (add_unified(&resources->unified[i], now, request, err) < 0)
			return error_in(err, "linux.resources.unified[\"%s\"]",
					resources->unified[i].key);
	return 0;
}
