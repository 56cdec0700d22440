/*
 * A reading of all that is counted: see statistics.h.
 *
 *	https://docs.kernel.org/admin-guide/cgroup-v2.html
 *	https://docs.kernel.org/admin-guide/cgroup-v1/index.html
 *
 * Asked for by "events", again and again: it reads each file once, and keeps nothing.  A controller is in one of
 * the versions alone; where it is in version 1, version 2 could tell a part of it at most.
 */
#include "cgroup/statistics.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/file.h"
#include "cgroup/controller.h"
#include "cgroup/figures.h"

static const struct gauge {
	const char *v1_file; /* tells its version 1 hierarchy from the others; or NULL */
	gauge_function *v1, *v2;
} gauges[] = {
	{"cpuacct.usage", cpu_usage_v1, cpu_usage_v2},
	{"cpu.shares", cpu_throttling_v1, cpu_throttling_v2},
	{NULL, NULL, cpu_pressure_v2},
	{"cpuset.cpus", cpuset_v1, cpuset_v2},
	{"memory.usage_in_bytes", memory_v1, memory_v2},
	{NULL, NULL, memory_pressure_v2},
	{"pids.current", pids_both, pids_both},
	{"blkio.reset_stats", blkio_v1, blkio_v2},
	{NULL, NULL, io_pressure_v2},
	{"hugetlb.2MB.limit_in_bytes", hugetlb_v1, hugetlb_v2},
};

void *sample_alloc(struct sample *sample, size_t size)
{
	void *memory = arena_alloc(sample->arena, size);

	sample->full = sample->full || !memory;
	return memory;
}

const char *sample_read(struct sample *sample, int directory, const char *file)
{
	return file_read_small(directory, file, sample->text, SAMPLE_TEXT_SIZE) < 0 ? NULL
										    : sample->text;
}

struct oci_cpu_statistics *sample_cpu(struct sample *sample)
{
	if (!sample->statistics->cpu)
		sample->statistics->cpu = sample_alloc(sample, sizeof(*sample->statistics->cpu));
	return sample->statistics->cpu;
}

struct oci_blkio_statistics *sample_blkio(struct sample *sample)
{
	if (!sample->statistics->blkio)
		sample->statistics->blkio =
			sample_alloc(sample, sizeof(*sample->statistics->blkio));
	return sample->statistics->blkio;
}

struct oci_memory_statistics *sample_memory(struct sample *sample)
{
	if (!sample->statistics->memory)
		sample->statistics->memory =
			sample_alloc(sample, sizeof(*sample->statistics->memory));
	return sample->statistics->memory;
}

/* -- what is the same in both versions -------------------------------------------------------- */

void pids_both(struct sample *sample, int directory)
{
	static const struct figure figures[] = {
		FIGURE("pids.current", oci_pids_statistics, current, 1),
		FIGURE("pids.max", oci_pids_statistics, limit, 1),
		{NULL, 0, 0, 0},
	};
	struct oci_pids_statistics *pids = sample_alloc(sample, sizeof(*pids));

	if (!pids)
		return;
	figures_from_files(directory, figures, pids);
	if (pids->limit == UINT64_MAX)
		pids->has_limit = false;
	if (pids->has_current)
		sample->statistics->pids = pids;
}

void memory_read_stat(struct sample *sample, int directory, const char *cache)
{
	const char *text = sample_read(sample, directory, "memory.stat");
	struct oci_memory_statistics *memory = sample_memory(sample);

	if (!memory || !text)
		return;
	memory->has_cache = figure_find(text, cache, &memory->cache);
	memory->raw = figures_map(text, sample->arena, &memory->raw_len);
	sample->full = sample->full || !memory->raw;
}

/* The figures of one size, whose files begin with stem: "hugetlb.2MB". */
static void read_huge_size(struct sample *sample, int directory, const struct huge_files *files,
			   struct oci_hugetlb_statistics_entry *entry)
{
	struct oci_hugetlb_statistics *value = &entry->value;
	char name[NAME_MAX + 1];
	const char *text;

	for (const struct figure *figure = files->figures; figure->name; figure++) {
		struct figure one[] = {*figure, {NULL, 0, 0, 0}};

		snprintf(name, sizeof(name), "hugetlb.%s%s", entry->key, figure->name);
		one[0].name = name;
		figures_from_files(directory, one, value);
	}
	if (!files->events)
		return;
	snprintf(name, sizeof(name), "hugetlb.%s%s", entry->key, files->events);
	text = sample_read(sample, directory, name);
	value->has_failcnt = text && figure_find(text, "max", &value->failcnt);
}

/* "2MB" of "hugetlb.2MB.current"; 0 if it is another file. */
static size_t huge_size_length(const char *name, const char *ending)
{
	size_t length = strlen(name), end = strlen(ending), begin = strlen("hugetlb.");

	if (strncmp(name, "hugetlb.", begin) != 0 || length <= begin + end ||
	    strcmp(name + length - end, ending) != 0)
		return 0;
	length -= begin + end;
	/* "hugetlb.2MB.rsvd.current" is not of another size. */
	return memchr(name + begin, '.', length) ? 0 : length;
}

void hugetlb_read(struct sample *sample, int directory, const struct huge_files *files)
{
	enum { MOST_SIZES = 16 };
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd < 0 ? NULL : fdopendir(fd);
	struct oci_hugetlb_statistics_entry *entries;
	const struct dirent *file;
	size_t count = 0;

	entries = sample_alloc(sample, (MOST_SIZES + 1) * sizeof(*entries));
	while (listing && entries && count < MOST_SIZES && (file = readdir(listing)) != NULL) {
		size_t length = huge_size_length(file->d_name, files->ending);
		const char *key;

		if (length == 0)
			continue;
		key = arena_copy(sample->arena, file->d_name + strlen("hugetlb."), length);
		sample->full = sample->full || !key;
		entries[count].key = key;
		if (key)
			read_huge_size(sample, directory, files, &entries[count++]);
	}
	if (listing)
		closedir(listing);
	else
		close_fd(&fd);
	if (count == 0)
		return;
	sample->statistics->hugetlb = entries;
	sample->statistics->hugetlb_len = count;
}

/* -- all of it -------------------------------------------------------------------------------- */

static void read_gauge(const struct gauge *gauge, const struct oci_record_cgroup *place, int v2,
		       struct sample *sample)
{
	const char *path = gauge->v1_file ? limits_v1_directory(place, gauge->v1_file) : NULL;
	autoclose int v1 = path ? openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (v1 >= 0)
		gauge->v1(sample, v1);
	else if (v2 >= 0)
		gauge->v2(sample, v2);
}

int cgroup_statistics(const struct oci_record_cgroup *place, struct arena *arena,
		      struct oci_statistics *statistics, struct error *err)
{
	autoclose int v2 = -1;
	struct sample sample = {.arena = arena, .statistics = statistics};

	*statistics = (struct oci_statistics){0};
	if (cgroup_none(place, err) < 0)
		return -err->code;
	if (place->v2)
		v2 = openat(AT_FDCWD, place->v2, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	sample.text = sample_alloc(&sample, SAMPLE_TEXT_SIZE);
	for (size_t i = 0; !sample.full && i < sizeof(gauges) / sizeof(gauges[0]); i++)
		read_gauge(&gauges[i], place, v2, &sample);
	return sample.full ? arena_full(arena, err) : 0;
}
