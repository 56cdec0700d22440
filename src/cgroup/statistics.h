/* What a container uses and has used: the numbers of its cgroup. */
#pragma once

#include "cgroup/cgroup.h"

/* Fills in *statistics, in the arena; what the kernel does not tell is left out.  An error if the container
 * has no cgroup of its own. */
int cgroup_statistics(const struct oci_record_cgroup *place, struct arena *arena,
		      struct oci_statistics *statistics, struct error *err);

/* -- for statistics.c, from statistics-v1.c and statistics-v2.c ------------------------------- */

/* One reading; full when the arena was, and looked at once, in the end. */
struct sample {
	struct arena *arena;
	struct oci_statistics *statistics;
	char *text; /* SAMPLE_TEXT_SIZE bytes, for the file that is being read */
	bool full;
};

enum { SAMPLE_TEXT_SIZE = 128 * 1024 };

/* Memory from the arena; NULL when that is full. */
void *sample_alloc(struct sample *sample, size_t size);

/* The text of a file, until the next one is read; NULL if there is none. */
const char *sample_read(struct sample *sample, int directory, const char *file);

/* The members of the statistics, made when they are first asked for; NULL when the arena is full. */
struct oci_cpu_statistics *sample_cpu(struct sample *sample);
struct oci_blkio_statistics *sample_blkio(struct sample *sample);
struct oci_memory_statistics *sample_memory(struct sample *sample);

/* One thing that is counted; what it reads is in the directory. */
typedef void gauge_function(struct sample *sample, int directory);

gauge_function cpu_usage_v1, cpu_usage_v2;
gauge_function cpu_throttling_v1, cpu_throttling_v2;
gauge_function cpuset_v1, cpuset_v2;
gauge_function memory_v1, memory_v2;
gauge_function pids_both;
gauge_function blkio_v1, blkio_v2;
gauge_function hugetlb_v1, hugetlb_v2;
gauge_function cpu_pressure_v2, memory_pressure_v2, io_pressure_v2;

/* memory.stat, and what of it is page cache: the line of that name. */
void memory_read_stat(struct sample *sample, int directory, const char *cache);

/* The files for each size of huge pages: "hugetlb.2MB" and the ending, whose figures are in the table. */
struct huge_files {
	const char *ending;	      /* of the file that shows which sizes there are: ".current" */
	const struct figure *figures; /* their names are endings */
	const char *events;	      /* the ending of a file with a line "max", or NULL */
};
void hugetlb_read(struct sample *sample, int directory, const struct huge_files *files);
