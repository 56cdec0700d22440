/*
 * What is counted, as version 2 tells it: see statistics.h.
 *
 *	https://docs.kernel.org/admin-guide/cgroup-v2.html#controllers
 *
 * It is told in the units and under the names of version 1, which callers know.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup/figures.h"
#include "cgroup/statistics.h"

enum { NANOSECONDS_PER_MICROSECOND = 1000 };

/* -- processors ------------------------------------------------------------------------------- */

void cpu_usage_v2(struct sample *sample, int directory)
{
	static const struct figure figures[] = {
		FIGURE("usage_usec", oci_cpu_usage, total, NANOSECONDS_PER_MICROSECOND),
		FIGURE("user_usec", oci_cpu_usage, user, NANOSECONDS_PER_MICROSECOND),
		FIGURE("system_usec", oci_cpu_usage, kernel, NANOSECONDS_PER_MICROSECOND),
		{NULL, 0, 0, 0},
	};
	const char *text = sample_read(sample, directory, "cpu.stat");
	struct oci_cpu_statistics *cpu = text ? sample_cpu(sample) : NULL;

	if (!cpu)
		return;
	cpu->usage = sample_alloc(sample, sizeof(*cpu->usage));
	if (cpu->usage)
		figures_from_text(text, figures, cpu->usage);
}

void cpu_throttling_v2(struct sample *sample, int directory)
{
	static const struct figure figures[] = {
		FIGURE("nr_periods", oci_cpu_throttling, periods, 1),
		FIGURE("nr_throttled", oci_cpu_throttling, throttled_periods, 1),
		FIGURE("throttled_usec", oci_cpu_throttling, throttled_time,
		       NANOSECONDS_PER_MICROSECOND),
		{NULL, 0, 0, 0},
	};
	const char *text = sample_read(sample, directory, "cpu.stat");
	struct oci_cpu_statistics *cpu;
	uint64_t periods;

	/* Without the controller there is only the time that was used. */
	if (!text || !figure_find(text, "nr_periods", &periods))
		return;
	cpu = sample_cpu(sample);
	if (!cpu)
		return;
	cpu->throttling = sample_alloc(sample, sizeof(*cpu->throttling));
	if (cpu->throttling)
		figures_from_text(text, figures, cpu->throttling);
}

void cpuset_v2(struct sample *sample, int directory)
{
	const char *text = sample_read(sample, directory, "cpuset.cpus.effective");
	struct oci_cpuset_statistics *cpuset;

	if (!text)
		return;
	cpuset = sample_alloc(sample, sizeof(*cpuset));
	if (!cpuset)
		return;
	sample->statistics->cpuset = cpuset;
	cpuset->cpus = figures_list(text, sample->arena, &cpuset->cpus_len);
	text = sample_read(sample, directory, "cpuset.mems.effective");
	if (text)
		cpuset->mems = figures_list(text, sample->arena, &cpuset->mems_len);
}

/* -- memory ----------------------------------------------------------------------------------- */

static uint64_t add_limits(uint64_t memory, uint64_t swap)
{
	return memory > UINT64_MAX - swap ? UINT64_MAX : memory + swap;
}

/* Version 1 counts memory and swap together. */
static void add_memory(struct oci_memory_amount *swap, const struct oci_memory_amount *memory)
{
	swap->usage += memory->usage;
	swap->has_usage = swap->has_usage && memory->has_usage;
	swap->limit = add_limits(memory->limit, swap->limit);
	swap->has_limit = swap->has_limit && memory->has_limit;
}

static void read_amounts(struct sample *sample, int directory, struct oci_memory_statistics *memory)
{
	static const struct figure figures[] = {
		FIGURE("memory.current", oci_memory_amount, usage, 1),
		FIGURE("memory.max", oci_memory_amount, limit, 1),
		FIGURE("memory.peak", oci_memory_amount, max, 1),
		{NULL, 0, 0, 0},
	};
	static const struct figure swap_figures[] = {
		FIGURE("memory.swap.current", oci_memory_amount, usage, 1),
		FIGURE("memory.swap.max", oci_memory_amount, limit, 1),
		{NULL, 0, 0, 0},
	};
	struct oci_memory_amount *usage = sample_alloc(sample, sizeof(*usage));
	struct oci_memory_amount *swap = sample_alloc(sample, sizeof(*swap));
	const char *events;

	if (!usage || !swap)
		return;
	figures_from_files(directory, figures, usage);
	events = sample_read(sample, directory, "memory.events");
	usage->has_failcnt = events && figure_find(events, "max", &usage->failcnt);
	figures_from_files(directory, swap_figures, swap);
	memory->usage = usage;
	if (!swap->has_usage)
		return;
	add_memory(swap, usage);
	memory->swap = swap;
}

void memory_v2(struct sample *sample, int directory)
{
	struct oci_memory_statistics *memory;

	if (!sample_read(sample, directory, "memory.current"))
		return;
	memory = sample_memory(sample);
	if (!memory)
		return;
	read_amounts(sample, directory, memory);
	memory_read_stat(sample, directory, "file");
}

/* -- block devices ---------------------------------------------------------------------------- */

static size_t count_lines(const char *text)
{
	size_t lines = 0;

	for (; (text = strchr(text, '\n')) != NULL; text++)
		lines++;
	return lines;
}

/* Adds "Read 4096" for "rbytes=4096" of a device's line. */
static void add_entry(const char *line, const char *name, const char *op,
		      struct oci_blkio_entry *entries, size_t *count)
{
	struct oci_blkio_entry entry = {.op = op};
	const char *value = strstr(line, name);

	if (!value || value > line + strcspn(line, "\n") ||
	    sscanf(line, "%lu:%lu ", &entry.major, &entry.minor) != 2)
		return;
	entry.value = strtoull(value + strlen(name), NULL, 10);
	entry.has_major = entry.has_minor = entry.has_value = true;
	entries[(*count)++] = entry;
}

static struct oci_blkio_entry *read_devices(struct sample *sample, const char *text,
					    const char *const names[3], size_t *count)
{
	static const char *const ops[3] = {"Read", "Write", "Discard"};
	struct oci_blkio_entry *entries;

	*count = 0;
	entries = sample_alloc(sample, (3 * count_lines(text) + 1) * sizeof(*entries));
	for (const char *line = text; entries && *line; line += strcspn(line, "\n") + 1) {
		for (size_t i = 0; i < 3; i++)
			add_entry(line, names[i], ops[i], entries, count);
		if (!strchr(line, '\n'))
			break;
	}
	return entries;
}

void blkio_v2(struct sample *sample, int directory)
{
	static const char *const bytes[] = {" rbytes=", " wbytes=", " dbytes="};
	static const char *const times[] = {" rios=", " wios=", " dios="};
	const char *text = sample_read(sample, directory, "io.stat");
	struct oci_blkio_statistics *blkio = text ? sample_blkio(sample) : NULL;

	if (!blkio)
		return;
	blkio->io_service_bytes_recursive =
		read_devices(sample, text, bytes, &blkio->io_service_bytes_recursive_len);
	blkio->io_serviced_recursive =
		read_devices(sample, text, times, &blkio->io_serviced_recursive_len);
}

/* -- huge pages and pressure ------------------------------------------------------------------ */

void hugetlb_v2(struct sample *sample, int directory)
{
	static const struct figure figures[] = {
		FIGURE(".current", oci_hugetlb_statistics, usage, 1),
		{NULL, 0, 0, 0},
	};
	static const struct huge_files files = {".current", figures, ".events"};

	hugetlb_read(sample, directory, &files);
}

/* A kernel can be told, at its start, not to count pressure: then there are files that cannot be read. */
static struct oci_pressure *read_pressure(struct sample *sample, int directory, const char *file)
{
	const char *text = sample_read(sample, directory, file);
	struct oci_pressure *pressure = text ? figures_pressure(text, sample->arena) : NULL;

	sample->full = sample->full || (text && !pressure);
	return pressure;
}

void cpu_pressure_v2(struct sample *sample, int directory)
{
	struct oci_pressure *pressure = read_pressure(sample, directory, "cpu.pressure");

	if (pressure && sample_cpu(sample))
		sample->statistics->cpu->psi = pressure;
}

void memory_pressure_v2(struct sample *sample, int directory)
{
	struct oci_pressure *pressure = read_pressure(sample, directory, "memory.pressure");

	if (pressure && sample_memory(sample))
		sample->statistics->memory->psi = pressure;
}

void io_pressure_v2(struct sample *sample, int directory)
{
	struct oci_pressure *pressure = read_pressure(sample, directory, "io.pressure");

	if (pressure && sample_blkio(sample))
		sample->statistics->blkio->psi = pressure;
}
