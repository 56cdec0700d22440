#include "basic/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/file.h"
#include "basic/json.h"

enum {
	MOST_NOTES = 150, /* of each process; what comes after them is one phase */
	NAME_SIZE = 48,
};

/* When a phase ended. */
struct note {
	int64_t nanoseconds;
	char name[NAME_SIZE];
};

/* The first note is the beginning of the first phase. */
struct notes {
	atomic_uint count;
	struct note list[MOST_NOTES];
};

struct trace_memory {
	struct notes roles[TRACE_ROLES];
};

struct trace_memory *trace_memory;

static struct {
	enum trace_role role;
	int memory; /* valid while trace_memory is not NULL */
	int file;
} trace;

/* The only clock that a time namespace does not move, and that one of the runtime and init alike. */
static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static int map_memory(int fd, struct error *err)
{
	void *memory = mmap(NULL, sizeof(*trace_memory), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		return error_errno(err, errno, "map memory for the trace");
	trace_memory = memory;
	return 0;
}

int trace_open(const char *path, struct error *err)
{
	autoclose int file = file_open_output("the trace", path, O_TRUNC, err);
	autoclose int memory = -1;

	if (file < 0)
		return file;
	memory = memfd_create("proa-trace", MFD_CLOEXEC);
	if (memory < 0 || ftruncate(memory, sizeof(*trace_memory)) < 0)
		return error_errno(err, errno, "make memory for the trace");
	if (map_memory(memory, err) < 0)
		return -err->code;
	trace.memory = take_fd(&memory);
	trace.file = take_fd(&file);
	trace_begin(TRACE_RUNTIME);
	return 0;
}

int trace_fd(void)
{
	return trace_memory ? trace.memory : -1;
}

int trace_join(int fd, enum trace_role role, struct error *err)
{
	int r;

	if (fd < 0)
		return 0;
	r = map_memory(fd, err);
	close(fd);
	trace.role = role;
	return r;
}

static void add(struct notes *notes, const char *name)
{
	unsigned int count = atomic_load(&notes->count);
	struct note *note;

	if (count >= MOST_NOTES)
		return;
	note = &notes->list[count];
	note->nanoseconds = now();
	for (size_t i = 0; i < NAME_SIZE - 1 && name[i]; i++)
		note->name[i] = name[i];
	atomic_store(&notes->count, count + 1);
}

void trace_begin(enum trace_role role)
{
	trace.role = role;
	trace_phase("");
}

void trace_resume(enum trace_role role)
{
	trace.role = role;
}

void trace_note(const char *name)
{
	add(&trace_memory->roles[trace.role], name);
}

void trace_phase_of(enum trace_role role, const char *name)
{
	if (trace_memory)
		add(&trace_memory->roles[role], name);
}

/* -- the file ---------------------------------------------------------------------------------- */

static void write_name(FILE *file, const char *kind, int role, const char *name)
{
	char text[512];

	json_string(text, sizeof(text), name);
	fprintf(file, "{\"name\":\"%s\",\"ph\":\"M\",\"pid\":1,\"tid\":%d,\"args\":{\"name\":%s}}",
		kind, role + 1, text);
}

/* Microseconds, as the format has them. */
static void write_phase(FILE *file, int role, const struct note *note, int64_t begin)
{
	char name[NAME_SIZE], text[NAME_SIZE * 6 + 3];
	int64_t before = note[-1].nanoseconds;

	/* It was written by another process: it ends here, whatever is there. */
	memcpy(name, note->name, sizeof(name));
	name[sizeof(name) - 1] = '\0';
	json_string(text, sizeof(text), name);
	fprintf(file, ",\n{\"name\":%s,\"ph\":\"X\",\"pid\":1,\"tid\":%d,\"ts\":%.3f,\"dur\":%.3f}",
		text, role + 1, (double)(before - begin) / 1000,
		(double)(note->nanoseconds - before) / 1000);
}

static void write_role(FILE *file, int role, int64_t begin)
{
	static const char names[TRACE_ROLES][sizeof("runtime")] = {"runtime", "stage", "init"};
	const struct notes *notes = &trace_memory->roles[role];
	unsigned int count = atomic_load(&notes->count);

	if (count > MOST_NOTES)
		count = MOST_NOTES;
	if (count == 0)
		return;
	fputs(",\n", file);
	write_name(file, "thread_name", role, names[role]);
	for (unsigned int i = 1; i < count; i++)
		write_phase(file, role, &notes->list[i], begin);
}

int trace_write(const char *command, struct error *err)
{
	FILE *file = fdopen(trace.file, "w");
	char name[256];

	if (!file)
		return error_errno(err, errno, "write the trace");
	snprintf(name, sizeof(name), "proa %s", command);
	fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n", file);
	write_name(file, "process_name", TRACE_RUNTIME, name);
	for (int role = 0; role < TRACE_ROLES; role++)
		write_role(file, role, trace_memory->roles[TRACE_RUNTIME].list[0].nanoseconds);
	fputs("\n]}\n", file);
	errno = 0;
	if (fflush(file) != 0 || ferror(file))
		error_errno(err, errno ? errno : EIO, "write the trace");
	fclose(file);
	return err->code ? -err->code : 0;
}
