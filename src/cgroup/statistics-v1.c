/*
 * What is counted, as version 1 tells it: see statistics.h.
 *
 *	https://docs.kernel.org/admin-guide/cgroup-v1/cpuacct.html, cpusets.html, memory.html,
 *	blkio-controller.html, hugetlb.html
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup/figures.h"
#include "cgroup/statistics.h"

/* -- processors ------------------------------------------------------------------------------- */

void cpu_usage_v1(struct sample *sample, int directory)
{
	static const struct figure figures[] = {
		FIGURE("cpuacct.usage", oci_cpu_usage, total, 1),
		FIGURE("cpuacct.usage_user", oci_cpu_usage, user, 1),
		FIGURE("cpuacct.usage_sys", oci_cpu_usage, kernel, 1),
		{NULL, 0, 0, 0},
	};
	struct oci_cpu_statistics *cpu = sample_cpu(sample);
	struct oci_cpu_usage *usage = cpu ? sample_alloc(sample, sizeof(*usage)) : NULL;
	const char *text;

	if (!usage)
		return;
	cpu->usage = usage;
	figures_from_files(directory, figures, usage);
	text = sample_read(sample, directory, "cpuacct.usage_percpu");
	if (text)
		usage->percpu = figures_row(text, sample->arena, &usage->percpu_len);
	text = sample_read(sample, directory, "cpuacct.usage_percpu_sys");
	if (text)
		usage->percpu_kernel = figures_row(text, sample->arena, &usage->percpu_kernel_len);
	text = sample_read(sample, directory, "cpuacct.usage_percpu_user");
	if (text)
		usage->percpu_user = figures_row(text, sample->arena, &usage->percpu_user_len);
}

void cpu_throttling_v1(struct sample *sample, int directory)
{
	static const struct figure figures[] = {
		FIGURE("nr_periods", oci_cpu_throttling, periods, 1),
		FIGURE("nr_throttled", oci_cpu_throttling, throttled_periods, 1),
		FIGURE("throttled_time", oci_cpu_throttling, throttled_time, 1),
		{NULL, 0, 0, 0},
	};
	const char *text = sample_read(sample, directory, "cpu.stat");
	struct oci_cpu_statistics *cpu = text ? sample_cpu(sample) : NULL;

	if (!cpu)
		return;
	cpu->throttling = sample_alloc(sample, sizeof(*cpu->throttling));
	if (cpu->throttling)
		figures_from_text(text, figures, cpu->throttling);
}

/* -1 is a value of this one alone. */
static void read_relax_level(struct sample *sample, int directory,
			     struct oci_cpuset_statistics *cpuset)
{
	const char *text = sample_read(sample, directory, "cpuset.sched_relax_domain_level");

	if (!text)
		return;
	cpuset->sched_relax_domain_level = strtoll(text, NULL, 10);
	cpuset->has_sched_relax_domain_level = true;
}

void cpuset_v1(struct sample *sample, int directory)
{
	static const struct figure figures[] = {
		FIGURE("cpuset.cpu_exclusive", oci_cpuset_statistics, cpu_exclusive, 1),
		FIGURE("cpuset.mem_hardwall", oci_cpuset_statistics, mem_hardwall, 1),
		FIGURE("cpuset.mem_exclusive", oci_cpuset_statistics, mem_exclusive, 1),
		FIGURE("cpuset.memory_migrate", oci_cpuset_statistics, memory_migrate, 1),
		FIGURE("cpuset.memory_spread_page", oci_cpuset_statistics, memory_spread_page, 1),
		FIGURE("cpuset.memory_spread_slab", oci_cpuset_statistics, memory_spread_slab, 1),
		FIGURE("cpuset.memory_pressure", oci_cpuset_statistics, memory_pressure, 1),
		FIGURE("cpuset.sched_load_balance", oci_cpuset_statistics, sched_load_balance, 1),
		{NULL, 0, 0, 0},
	};
	struct oci_cpuset_statistics *cpuset = sample_alloc(sample, sizeof(*cpuset));
	const char *text;

	if (!cpuset)
		return;
	sample->statistics->cpuset = cpuset;
	figures_from_files(directory, figures, cpuset);
	read_relax_level(sample, directory, cpuset);
	text = sample_read(sample, directory, "cpuset.cpus");
	if (text)
		cpuset->cpus = figures_list(text, sample->arena, &cpuset->cpus_len);
	text = sample_read(sample, directory, "cpuset.mems");
	if (text)
		cpuset->mems = figures_list(text, sample->arena, &cpuset->mems_len);
}

/* -- memory ----------------------------------------------------------------------------------- */

#define AMOUNT(prefix)                                                                  \
	{                                                                               \
		FIGURE(prefix "usage_in_bytes", oci_memory_amount, usage, 1),           \
			FIGURE(prefix "limit_in_bytes", oci_memory_amount, limit, 1),   \
			FIGURE(prefix "max_usage_in_bytes", oci_memory_amount, max, 1), \
			FIGURE(prefix "failcnt", oci_memory_amount, failcnt, 1),        \
		{                                                                       \
			NULL, 0, 0, 0                                                   \
		}                                                                       \
	}

/* NULL where the kernel has not got it: it can be built or started without swap or kernel memory. */
static struct oci_memory_amount *read_amount(struct sample *sample, int directory,
					     const struct figure *figures)
{
	struct oci_memory_amount *amount = sample_alloc(sample, sizeof(*amount));

	if (amount)
		figures_from_files(directory, figures, amount);
	return amount && amount->has_usage ? amount : NULL;
}

void memory_v1(struct sample *sample, int directory)
{
	static const struct figure usage[] = AMOUNT("memory.");
	static const struct figure swap[] = AMOUNT("memory.memsw.");
	static const struct figure kernel[] = AMOUNT("memory.kmem.");
	static const struct figure kernel_tcp[] = AMOUNT("memory.kmem.tcp.");
	struct oci_memory_statistics *memory = sample_memory(sample);

	if (!memory)
		return;
	memory->usage = read_amount(sample, directory, usage);
	memory->swap = read_amount(sample, directory, swap);
	memory->kernel = read_amount(sample, directory, kernel);
	memory->kernel_tcp = read_amount(sample, directory, kernel_tcp);
	memory_read_stat(sample, directory, "total_cache");
}

/* -- block devices ---------------------------------------------------------------------------- */

/* "8:0 Read 4096", or without a word, where nothing is told apart; the sums behind them are left out. */
static struct oci_blkio_entry *read_devices(struct sample *sample, const char *text, size_t *count)
{
	size_t lines = 1;
	struct oci_blkio_entry *entries;

	for (const char *line = text; (line = strchr(line, '\n')) != NULL; line++)
		lines++;
	*count = 0;
	entries = sample_alloc(sample, (lines + 1) * sizeof(*entries));
	for (const char *line = text; entries && line; line = strchr(line, '\n')) {
		struct oci_blkio_entry *entry = &entries[*count];
		char op[16] = "";

		line += *line == '\n';
		if (sscanf(line, "%lu:%lu %15[A-Za-z] %lu", &entry->major, &entry->minor, op,
			   &entry->value) != 4 &&
		    sscanf(line, "%lu:%lu %lu", &entry->major, &entry->minor, &entry->value) != 3)
			continue;
		if (op[0])
			entry->op = arena_copy(sample->arena, op, strlen(op));
		sample->full = sample->full || (op[0] && !entry->op);
		entry->has_major = entry->has_minor = entry->has_value = true;
		(*count)++;
	}
	return entries;
}

struct device_file {
	size_t offset, len_offset; /* of the list in struct oci_blkio_statistics */
	const char *names[2];	   /* the first that names a device is taken */
};

#define DEVICES(member, ...)                                                 \
	{                                                                    \
		offsetof(struct oci_blkio_statistics, member),               \
			offsetof(struct oci_blkio_statistics, member##_len), \
		{                                                            \
			__VA_ARGS__                                          \
		}                                                            \
	}

static void read_file(struct sample *sample, int directory, const struct device_file *file,
		      struct oci_blkio_statistics *blkio)
{
	struct oci_blkio_entry *entries = NULL;
	size_t count = 0;

	for (size_t i = 0; i < 2 && count == 0 && file->names[i]; i++) {
		const char *text = sample_read(sample, directory, file->names[i]);

		if (text)
			entries = read_devices(sample, text, &count);
	}
	memcpy((char *)blkio + file->offset, &entries, sizeof(entries));
	memcpy((char *)blkio + file->len_offset, &count, sizeof(count));
}

void blkio_v1(struct sample *sample, int directory)
{
	static const struct device_file files[] = {
		DEVICES(io_service_bytes_recursive, "blkio.bfq.io_service_bytes_recursive",
			"blkio.throttle.io_service_bytes_recursive"),
		DEVICES(io_serviced_recursive, "blkio.bfq.io_serviced_recursive",
			"blkio.throttle.io_serviced_recursive"),
		DEVICES(io_queue_recursive, "blkio.bfq.io_queued_recursive"),
		DEVICES(io_service_time_recursive, "blkio.bfq.io_service_time_recursive"),
		DEVICES(io_wait_time_recursive, "blkio.bfq.io_wait_time_recursive"),
		DEVICES(io_merged_recursive, "blkio.bfq.io_merged_recursive"),
		DEVICES(io_time_recursive, "blkio.bfq.time_recursive"),
		DEVICES(sectors_recursive, "blkio.bfq.sectors_recursive"),
	};
	struct oci_blkio_statistics *blkio = sample_blkio(sample);

	for (size_t i = 0; blkio && i < sizeof(files) / sizeof(files[0]); i++)
		read_file(sample, directory, &files[i], blkio);
}

/* -- huge pages ------------------------------------------------------------------------------- */

void hugetlb_v1(struct sample *sample, int directory)
{
	static const struct figure figures[] = {
		FIGURE(".usage_in_bytes", oci_hugetlb_statistics, usage, 1),
		FIGURE(".max_usage_in_bytes", oci_hugetlb_statistics, max, 1),
		FIGURE(".failcnt", oci_hugetlb_statistics, failcnt, 1),
		{NULL, 0, 0, 0},
	};
	static const struct huge_files files = {".limit_in_bytes", figures, NULL};

	hugetlb_read(sample, directory, &files);
}
