#include "runtime/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/file.h"
#include "unit.h"

static char scratch[] = "/tmp/proa-test-record-XXXXXX";
static struct arena arena;
static int directory;

static void begin(void)
{
	struct error err = {0};

	ck_assert_ptr_nonnull(mkdtemp(scratch));
	directory = open(scratch, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
}

static void finish(void)
{
	unlinkat(directory, RECORD_FILE, 0);
	unlinkat(directory, RECORD_BEFORE, 0);
	close(directory);
	ck_assert_int_eq(rmdir(scratch), 0);
	arena_release(&arena);
}

TEST(is_read_as_it_was_written)
{
	struct oci_pair annotations[] = {{"a", "1"}, {"b", "\"/\n"}};
	struct oci_record_process init = {
		.pid = 42,
		.has_start_time = true,
		.start_time = 1234567890123,
		.has_pidfd_inode = true,
		.pidfd_inode = 7,
	};
	const struct oci_record written = {
		.oci_version = "1.2.0",
		.id = "web",
		.bundle = "/b",
		.status = "created",
		.created = "2026-01-31T10:20:30.000000Z",
		.annotations = annotations,
		.annotations_len = 2,
		.init = &init,
	};
	const struct oci_record *read = NULL;
	struct error err = {0};

	begin();
	ck_assert_int_eq(record_store(directory, &written, &arena, &err), 0);
	ck_assert_int_eq(record_load(directory, &arena, &read, &err), 0);
	ck_assert_str_eq(read->id, "web");
	ck_assert_str_eq(read->oci_version, "1.2.0");
	ck_assert_str_eq(read->status, "created");
	ck_assert_uint_eq(read->annotations_len, 2);
	ck_assert_str_eq(read->annotations[1].value, "\"/\n");
	ck_assert_ptr_null(read->rootfs);
	ck_assert_int_eq(record_init(read).pid, 42);
	ck_assert_uint_eq(record_init(read).start_time, 1234567890123);
	ck_assert_uint_eq(record_init(read).pidfd_inode, 7);
	finish();
}

static struct oci_record record_of(const char *status)
{
	return (struct oci_record){
		.oci_version = "1.0.0",
		.id = "web",
		.bundle = "/b",
		.status = status,
		.created = "",
	};
}

TEST(is_the_owners_alone)
{
	const struct oci_record record = record_of("creating");
	struct error err = {0};
	struct stat status;

	begin();
	umask(0);
	ck_assert_int_eq(record_store(directory, &record, &arena, &err), 0);
	ck_assert_int_eq(fstatat(directory, RECORD_FILE, &status, 0), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0600);
	finish();
}

TEST(has_no_process_before_there_is_one)
{
	const struct oci_record record = {.id = "web"};

	ck_assert_int_eq(record_init(&record).pid, 0);
}

static void store(const char *status)
{
	const struct oci_record record = record_of(status);
	struct error err = {0};

	ck_assert_int_eq(record_store(directory, &record, &arena, &err), 0);
}

static const char *status_in(int (*load)(int, struct arena *, const struct oci_record **,
					 struct error *))
{
	const struct oci_record *record = NULL;
	struct error err = {0};

	ck_assert_msg(load(directory, &arena, &record, &err) == 0, "%s", err.text);
	return record->status;
}

TEST(keeps_the_one_before)
{
	const struct oci_record first = record_of("creating");
	struct error err = {0};

	begin();
	ck_assert_int_eq(record_plan(directory, &first, &arena, &err), 0);
	ck_assert_int_eq(record_confirm(directory, &err), 0);
	ck_assert_int_eq(faccessat(directory, RECORD_BEFORE, F_OK, 0), -1);
	store("created");
	ck_assert_str_eq(status_in(record_load), "created");
	ck_assert_str_eq(status_in(record_load_before), "creating");
	store("running");
	ck_assert_str_eq(status_in(record_load), "running");
	ck_assert_str_eq(status_in(record_load_before), "created");
	finish();
}

static bool is_made(void)
{
	const struct oci_record *record = NULL;
	struct error err = {0};

	ck_assert_msg(record_load(directory, &arena, &record, &err) == 0, "%s", err.text);
	return record->cgroup->made;
}

TEST(says_that_the_cgroup_is_made_when_it_is)
{
	struct oci_record_cgroup cgroup = {.manager = "cgroupfs", .made = true};
	struct oci_record record = record_of("creating");
	const struct oci_record *read;
	struct error err = {0};
	int root;

	begin();
	record.cgroup = &cgroup;
	ck_assert_int_eq(record_load(directory, &arena, &read, &err), -ENOENT);
	ck_assert_int_eq(record_plan(directory, &record, &arena, &err), 0);
	ck_assert(!is_made());
	root = openat(directory, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(record_look(root, strrchr(scratch, '/') + 1, &arena, &read, &err), 0);
	ck_assert(!read->cgroup->made);
	ck_assert_int_eq(record_confirm(directory, &err), 0);
	ck_assert(is_made());
	ck_assert_int_eq(record_look(root, strrchr(scratch, '/') + 1, &arena, &read, &err), 0);
	ck_assert(read->cgroup->made);
	close(root);
	finish();
}

/* Who was killed while he wrote it had made nothing else. */
TEST(is_none_as_long_as_the_plan_is_not_whole)
{
	const struct oci_record *read;
	struct error err = {0};

	begin();
	ck_assert_int_eq(file_make(directory, RECORD_PLANNED, "{\"id\"", 5, &err), 0);
	ck_assert_int_eq(record_load(directory, &arena, &read, &err), -ENOENT);
	unlinkat(directory, RECORD_PLANNED, 0);
	ck_assert_int_eq(file_make(directory, RECORD_PLANNED, "", 0, &err), 0);
	ck_assert_int_eq(record_load(directory, &arena, &read, &err), -ENOENT);
	unlinkat(directory, RECORD_PLANNED, 0);
	finish();
}

/* Other commands read it without a lock. */
TEST(stays_whole_for_who_reads_it_meanwhile)
{
	char text[256] = "";
	int reader;

	begin();
	store("creating");
	reader = openat(directory, RECORD_FILE, O_RDONLY);
	store("created");
	store("running");
	ck_assert_int_gt((int)read(reader, text, sizeof(text) - 1), 0);
	ck_assert_ptr_nonnull(strstr(text, "\"status\":\"creating\""));
	ck_assert_int_eq(text[strlen(text) - 1], '}');
	close(reader);
	finish();
}

/* What a writer that was killed has left is nobody's: not to be written through, not to be kept. */
TEST(is_written_past_what_was_left)
{
	struct error err = {0};

	begin();
	store("creating");
	ck_assert_int_eq(symlinkat("state.json", directory, RECORD_BEFORE), 0);
	store("created");
	ck_assert_str_eq(status_in(record_load), "created");
	ck_assert_str_eq(status_in(record_load_before), "creating");
	ck_assert_int_eq(file_replace(directory, RECORD_BEFORE, "{\"id", 0600, &err), 0);
	store("running");
	ck_assert_str_eq(status_in(record_load_before), "created");
	finish();
}

TEST(may_be_missing)
{
	const struct oci_record *record;
	struct error err = {0};

	begin();
	ck_assert_int_eq(record_load(directory, &arena, &record, &err), -ENOENT);
	finish();
}

/* What delete --force goes by when a full disk has cut the new one off. */
TEST(may_be_damaged_the_one_before_too)
{
	const struct oci_record *read = NULL;
	struct error err = {0};

	begin();
	ck_assert_int_eq(record_load_before(directory, &arena, &read, &err), -ENOENT);
	ck_assert_int_eq(file_replace(directory, RECORD_BEFORE, "{\"id\":", 0600, &err), 0);
	ck_assert_int_eq(record_load_before(directory, &arena, &read, &err), -EINVAL);
	ck_assert_str_eq(err.text,
			 "state.json.before:1:7: id: the file ends before it is complete");
	unlinkat(directory, RECORD_BEFORE, 0);
	finish();
}

TEST(is_refused_when_damaged)
{
	const struct oci_record *record;
	struct error err = {0};

	begin();
	ck_assert_int_eq(file_replace(directory, RECORD_FILE, "{\"id\":\"web\"", 0600, &err), 0);
	ck_assert_int_eq(record_load(directory, &arena, &record, &err), -EINVAL);
	ck_assert_int_eq(file_replace(directory, RECORD_FILE, "{\"id\":\"web\"}", 0600, &err), 0);
	ck_assert_int_eq(record_load(directory, &arena, &record, &err), -EINVAL);
	finish();
}

TEST(is_not_waited_for)
{
	const struct oci_record *record;
	struct error err = {0};

	begin();
	ck_assert_int_eq(mkfifoat(directory, RECORD_FILE, 0600), 0);
	ck_assert_int_eq(record_load(directory, &arena, &record, &err), -EINVAL);
	ck_assert_str_eq(err.text, "state.json is not a regular file");
	finish();
}

RUN_TESTS("record", is_read_as_it_was_written, is_the_owners_alone,
	  has_no_process_before_there_is_one, keeps_the_one_before,
	  says_that_the_cgroup_is_made_when_it_is, is_none_as_long_as_the_plan_is_not_whole,
	  stays_whole_for_who_reads_it_meanwhile, is_written_past_what_was_left, may_be_missing,
	  may_be_damaged_the_one_before_too, is_refused_when_damaged, is_not_waited_for)
