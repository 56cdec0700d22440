/*
 * A container's record, state.json, with any content: read as the command "state" reads it.  What is told of
 * such a container is JSON again, and no file stays open.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "fuzz.h"
#include "runtime/record.h"
#include "runtime/state.h"

static char path[] = "/tmp/proa-fuzz-XXXXXX";
static struct state_root root = {.path = path, .fd = -1};
static int record_fd = -1;

static void remove_root(void)
{
	unlinkat(root.fd, "x/" RECORD_FILE, 0);
	unlinkat(root.fd, "x", AT_REMOVEDIR);
	rmdir(path);
}

static void make_root(void)
{
	EXPECT(mkdtemp(path));
	root.fd = open(root.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	EXPECT(root.fd >= 0 && mkdirat(root.fd, "x", 0700) == 0);
	record_fd = openat(root.fd, "x/" RECORD_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	EXPECT(record_fd >= 0);
	atexit(remove_root);
}

static int check_record(struct arena *arena, struct error *err)
{
	autoclose int directory = openat(root.fd, "x", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct oci_record *record = NULL;
	int r = record_load(directory, arena, &record, err);

	if (r < 0)
		return r;
	EXPECT(record->id && record->bundle && record->status && record->created);
	EXPECT(record_init(record).pid == (record->init ? record->init->pid : 0));
	return fuzz_round_trip(&oci_record_object, record, arena, err);
}

static int attempt(struct input input, struct arena *arena, struct error *err)
{
	const char *json = NULL;
	void *report;
	int r;

	(void)input;
	r = check_record(arena, err);
	if (r == 0)
		r = container_state(&root, "x", arena, &json, err);
	if (r < 0)
		return r;
	r = fuzz_decode(&oci_report_object, (struct input){(const uint8_t *)json, strlen(json)},
			arena, &report, err);
	EXPECT(r == 0 || r == -ENOMEM);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int open_files;

	if (record_fd < 0)
		make_root();
	open_files = fuzz_open_files();
	EXPECT(pwrite(record_fd, data, size, 0) == (ssize_t)size);
	EXPECT(ftruncate(record_fd, (off_t)size) == 0);
	fuzz_with_arena(attempt, data, size);
	EXPECT(fuzz_open_files() == open_files);
	return 0;
}
