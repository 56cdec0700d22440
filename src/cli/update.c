/*
 * "update": engines hand over a JSON object, as linux.resources of config.json; people have options, which
 * count for more than the file.
 *
 * Sizes are in bytes or have a letter behind them, as Docker's users write them: 512k, 64MB, 1.5GiB; -1 is
 * no limit.
 */
#include "runtime/update.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/arena.h"
#include "basic/file.h"
#include "basic/log.h"
#include "cli/command.h"
#include "libocispec/decode.h"
#include "libocispec/misspelt.h"

#define VALUE(name) CHOICE(TEXT, update[UPDATE_##name])

static const struct option update_options[] = {
	{"blkio-weight", 0, "N", "share of block devices, 10 to 1000", VALUE(BLKIO_WEIGHT)},
	{"cpu-burst", 0, "USEC", "how much unused time may be saved up", VALUE(CPU_BURST)},
	{"cpu-idle", 0, "0|1", "run only when nobody else does", VALUE(CPU_IDLE)},
	{"cpu-period", 0, "USEC", "the period of --cpu-quota", VALUE(CPU_PERIOD)},
	{"cpu-quota", 0, "USEC", "processor time in a period; -1 is no limit", VALUE(CPU_QUOTA)},
	{"cpu-rt-period", 0, "USEC", "the period of --cpu-rt-runtime", VALUE(CPU_RT_PERIOD)},
	{"cpu-rt-runtime", 0, "USEC", "real-time processor time in a period",
	 VALUE(CPU_RT_RUNTIME)},
	{"cpu-share", 0, "N", "share of the processors", VALUE(CPU_SHARES)},
	{"cpu-shares", 0, "N", "the same", VALUE(CPU_SHARES)},
	{"cpuset-cpus", 0, "LIST", "processors to run on, like 0-3,7", VALUE(CPUSET_CPUS)},
	{"cpuset-mems", 0, "LIST", "memory nodes to use", VALUE(CPUSET_MEMS)},
	{"kernel-memory", 0, "SIZE", "accepted for compatibility, of no effect",
	 VALUE(KERNEL_MEMORY)},
	{"kernel-memory-tcp", 0, "SIZE", "accepted for compatibility, of no effect",
	 VALUE(KERNEL_MEMORY_TCP)},
	{"l3-cache-schema", 0, "TEXT", "share of the caches (resctrl)", VALUE(L3_CACHE_SCHEMA)},
	{"mem-bw-schema", 0, "TEXT", "share of the memory's bandwidth (resctrl)",
	 VALUE(MEM_BW_SCHEMA)},
	{"memory", 0, "SIZE", "the most memory; -1 is no limit", VALUE(MEMORY)},
	{"memory-reservation", 0, "SIZE", "memory that is not taken away",
	 VALUE(MEMORY_RESERVATION)},
	{"memory-swap", 0, "SIZE", "the most memory and swap together", VALUE(MEMORY_SWAP)},
	{"pids-limit", 0, "N", "the most processes and threads; -1 is no limit", VALUE(PIDS_LIMIT)},
	{"resources", 'r', "FILE", "take linux.resources from this file; - is standard input",
	 CHOICE(TEXT, resources)},
	{NULL, 0, NULL, NULL, OPTION_IGNORED, 0},
};

/* -- values ------------------------------------------------------------------------------------ */

enum kind {
	SIGNED,	  /* an int64_t */
	UNSIGNED, /* a uint64_t */
	WEIGHT,	  /* a uint16_t */
	SIZE,	  /* an int64_t, in bytes */
};

/* What options change: copies, as what comes from a file is not to be written to. */
struct values {
	struct oci_memory memory;
	struct oci_cpu cpu;
	struct oci_pids pids;
	struct oci_block_io block_io;
};

/* An option that is a number, and the member that it becomes. */
struct row {
	const char *option;
	enum update_value value;
	enum kind kind;
	size_t has, member; /* in struct values */
};

#define ROW(option, value, kind, object, member)                                            \
	{                                                                                   \
		option, UPDATE_##value, kind, offsetof(struct values, object.has_##member), \
			offsetof(struct values, object.member)                              \
	}

static const struct row rows[] = {
	ROW("blkio-weight", BLKIO_WEIGHT, WEIGHT, block_io, weight),
	ROW("cpu-burst", CPU_BURST, UNSIGNED, cpu, burst),
	ROW("cpu-idle", CPU_IDLE, SIGNED, cpu, idle),
	ROW("cpu-period", CPU_PERIOD, UNSIGNED, cpu, period),
	ROW("cpu-quota", CPU_QUOTA, SIGNED, cpu, quota),
	ROW("cpu-rt-period", CPU_RT_PERIOD, UNSIGNED, cpu, realtime_period),
	ROW("cpu-rt-runtime", CPU_RT_RUNTIME, SIGNED, cpu, realtime_runtime),
	ROW("cpu-shares", CPU_SHARES, UNSIGNED, cpu, shares),
	ROW("memory", MEMORY, SIZE, memory, limit),
	ROW("memory-reservation", MEMORY_RESERVATION, SIZE, memory, reservation),
	ROW("memory-swap", MEMORY_SWAP, SIZE, memory, swap),
	ROW("pids-limit", PIDS_LIMIT, SIGNED, pids, limit),
};

/* Digits and nothing else; strtoull() would take a sign and spaces. */
static bool parse_digits(const char *text, uint64_t most, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return isdigit((unsigned char)*text) && *end == '\0' && errno == 0 && *number <= most;
}

static bool parse_signed(const char *text, int64_t *number)
{
	uint64_t digits;
	bool minus = *text == '-';

	if (!parse_digits(text + minus, INT64_MAX, &digits))
		return false;
	*number = minus ? -(int64_t)digits : (int64_t)digits;
	return true;
}

/* How many bytes the unit has: "", "b", "k", "kb", "kib", "m" and so on, in either case; 0 if it is none. */
static uint64_t unit_size(const char *unit)
{
	static const char letters[] = "kmgtp";
	const char *letter;
	uint64_t size = 1;

	if (*unit && (letter = strchr(letters, tolower((unsigned char)*unit)))) {
		size <<= 10 * (letter - letters + 1);
		unit++;
		unit += *unit && strchr("iI", *unit);
	}
	unit += *unit && strchr("bB", *unit);
	return *unit ? 0 : size;
}

static bool parse_size(const char *text, int64_t *number)
{
	uint64_t whole, unit;
	const char *rest;
	char *point;

	if (strcmp(text, "-1") == 0) {
		*number = -1;
		return true;
	}
	if (!isdigit((unsigned char)*text))
		return false;
	whole = strtoull(text, &point, 10);
	rest = point + (*point == '.' ? 1 + strspn(point + 1, "0123456789") : 0);
	unit = unit_size(rest + (*rest == ' '));
	if (unit == 0 || whole > INT64_MAX / unit - 1)
		return false;
	*number = (int64_t)(whole * unit);
	if (*point == '.')
		*number += (int64_t)(strtod(point, NULL) * (double)unit);
	return true;
}

static int refuse(const struct row *row, const char *text, struct error *err)
{
	static const char *const what[] = {
		[SIGNED] = "number",
		[UNSIGNED] = "number from 0 on",
		[WEIGHT] = "weight",
		[SIZE] = "size",
	};

	error_config(err, "--%s: \"%s\" is no %s", row->option, text, what[row->kind]);
	return row->kind == SIZE ? error_hint(err, "write one like 64m, or -1 for no limit")
				 : -err->code;
}

static int set_value(const struct row *row, const char *text, struct values *values,
		     struct error *err)
{
	void *member = (char *)values + row->member;
	uint64_t weight;
	bool good = false;

	switch (row->kind) {
	case SIGNED:
		good = parse_signed(text, member);
		break;
	case UNSIGNED:
		good = parse_digits(text, UINT64_MAX, member);
		break;
	case WEIGHT:
		good = parse_digits(text, UINT16_MAX, &weight);
		*(uint16_t *)member = (uint16_t)weight;
		break;
	case SIZE:
		good = parse_size(text, member);
		break;
	}
	*(bool *)((char *)values + row->has) = true;
	return good ? 0 : refuse(row, text, err);
}

/* -- what is to be changed --------------------------------------------------------------------- */

static int read_text(const char *path, struct arena *arena, struct oci_source *source,
		     struct error *err)
{
	bool standard = strcmp(path, "-") == 0;
	char *text = NULL;
	ssize_t length;

	source->name = standard ? "standard input" : path;
	if (standard)
		length = file_read_stream(arena, STDIN_FILENO, source->name, &text, err);
	else
		length = file_read(arena, AT_FDCWD, path, &text, err);
	if (length < 0)
		return error_in(err, "--resources");
	source->text = text;
	source->length = (size_t)length;
	return 0;
}

/* What the file says, or nothing. */
static int read_resources(const char *path, struct arena *arena, struct oci_resources *resources,
			  struct error *err)
{
	struct oci_decoded decoded = {0};
	struct oci_source source;
	int r;

	*resources = (struct oci_resources){0};
	if (!path)
		return 0;
	r = read_text(path, arena, &source, err);
	if (r == 0)
		r = oci_decode(&oci_resources_object, &source, arena, &decoded, err);
	if (r < 0)
		return r;
	misspelt_tell(source.name, &decoded);
	*resources = *(const struct oci_resources *)decoded.value;
	return 0;
}

/* Engines still have the option; what it once limited is a part of --memory. */
static void ignore_kernel_memory(const struct choices *choices)
{
	if (choices->update[UPDATE_KERNEL_MEMORY] || choices->update[UPDATE_KERNEL_MEMORY_TCP])
		log_warning("--kernel-memory changes nothing: the kernel counts that memory within "
			    "--memory");
}

/* Puts the options over what the file says. */
static int take_options(const struct choices *choices, struct oci_resources *resources,
			struct values *values, struct error *err)
{
	if (resources->memory)
		values->memory = *resources->memory;
	if (resources->cpu)
		values->cpu = *resources->cpu;
	if (resources->pids)
		values->pids = *resources->pids;
	if (resources->block_io)
		values->block_io = *resources->block_io;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *text = choices->update[rows[i].value];

		if (text && set_value(&rows[i], text, values, err) < 0)
			return -err->code;
	}
	if (choices->update[UPDATE_CPUSET_CPUS])
		values->cpu.cpus = choices->update[UPDATE_CPUSET_CPUS];
	if (choices->update[UPDATE_CPUSET_MEMS])
		values->cpu.mems = choices->update[UPDATE_CPUSET_MEMS];
	resources->memory = &values->memory;
	resources->cpu = &values->cpu;
	resources->pids = &values->pids;
	resources->block_io = &values->block_io;
	ignore_kernel_memory(choices);
	return 0;
}

static int expect_anything(const struct choices *choices, struct error *err)
{
	for (size_t i = 0; i < UPDATE_VALUES; i++)
		if (choices->update[i])
			return 0;
	if (choices->resources)
		return 0;
	error_config(err, "update: nothing is to be changed");
	return error_hint(err, "--help shows what there is");
}

static int update(const struct choices *choices, struct arena *arena, struct error *err)
{
	const struct oci_intel_rdt rdt = {
		.l3_cache_schema = choices->update[UPDATE_L3_CACHE_SCHEMA],
		.mem_bw_schema = choices->update[UPDATE_MEM_BW_SCHEMA],
	};
	struct oci_resources resources;
	struct values values = {0};
	const struct update_request request = {
		.resources = &resources,
		.intel_rdt = rdt.l3_cache_schema || rdt.mem_bw_schema ? &rdt : NULL,
	};
	struct state_root root;
	int r;

	/* What is waited for on standard input is not to hold a lock. */
	r = read_resources(choices->resources, arena, &resources, err);
	if (r == 0)
		r = take_options(choices, &resources, &values, err);
	if (r < 0)
		return r;
	r = state_root_open(&root, choices->root, false, err);
	if (r == 0)
		r = container_update(&root, choices->arguments[0], &request, err);
	state_root_release(&root);
	return r;
}

static int run(const struct choices *choices, struct error *err)
{
	autoarena struct arena arena = {0};
	int r;

	if (expect_anything(choices, err) < 0)
		return -err->code;
	r = arena_open_private(&arena, err);
	return r == 0 ? update(choices, &arena, err) : r;
}

const struct command command_update = {
	.name = "update",
	.arguments = "ID",
	.summary = "change the limits of a container",
	.options = {update_options},
	.least = 1,
	.most = 1,
	.run = run,
};
