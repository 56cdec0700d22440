#include "runtime/exec-record.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/file.h"
#include "unit.h"

static char scratch[] = "/tmp/proa-test-exec-record-XXXXXX";
static struct arena arena;
static struct container made, found;
static struct oci_config config;
static struct error err;
static int directory;

static struct sock_filter filter[] = {{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}};

static void begin(void)
{
	strcpy(strrchr(scratch, '-'), "-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(scratch));
	directory = open(scratch, O_RDONLY | O_DIRECTORY);
	err = (struct error){0};
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	config = (struct oci_config){0};
	made = (struct container){.arena = &arena, .config = &config};
	found = (struct container){.arena = &arena};
}

static void finish(void)
{
	unlinkat(directory, EXEC_RECORD_FILE, 0);
	close(directory);
	ck_assert_int_eq(rmdir(scratch), 0);
	arena_release(&arena);
}

static void store(void)
{
	ck_assert_msg(exec_record_store(directory, &made, &err) == 0, "%s", err.text);
}

static int load(const struct oci_record_exec **record)
{
	return exec_record_load(directory, &found, record, &err);
}

TEST(is_read_as_it_was_written)
{
	struct oci_user user = {.uid = 5, .gid = 6};
	struct oci_process process = {.user = &user, .cwd = "/srv", .terminal = true};
	const char *args[] = {"secret", NULL}, *env[] = {"A=b", NULL};
	struct id_range ranges[] = {{0, 1000, 1}, {1, 100000, 65536}};
	const struct oci_record_exec *record;
	struct stat status;

	begin();
	process.args = args;
	process.args_len = 1;
	process.env = env;
	process.env_len = 1;
	config.process = &process;
	made.new_namespaces = CLONE_NEWNS | CLONE_NEWUSER;
	made.uid_map = made.gid_map = (struct id_map){ranges, 2};
	made.no_new_keyring = made.deny_setgroups = true;
	made.seccomp = (struct seccomp_plan){
		.filter = filter, .filter_len = 3, .flags = 4, .agent = "/agent", .metadata = "m"};
	store();
	ck_assert_int_eq(fstatat(directory, EXEC_RECORD_FILE, &status, 0), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0600);
	ck_assert_int_eq(load(&record), 0);
	ck_assert_uint_eq(record->process->user->uid, 5);
	ck_assert_str_eq(record->process->env[0], "A=b");
	ck_assert_uint_eq(record->process->args_len, 0);
	ck_assert(!record->process->terminal);
	ck_assert_uint_eq(record->new_namespaces, CLONE_NEWNS | CLONE_NEWUSER);
	ck_assert(!record->has_root_inode);
	ck_assert(found.no_new_keyring && found.deny_setgroups);
	ck_assert_uint_eq(found.uid_map.ranges_len, 2);
	ck_assert_uint_eq(found.gid_map.ranges[1].outside, 100000);
	ck_assert_uint_eq(found.seccomp.filter_len, 3);
	ck_assert_int_eq(memcmp(found.seccomp.filter, filter, sizeof(filter)), 0);
	ck_assert_uint_eq(found.seccomp.flags, 4);
	ck_assert_str_eq(found.seccomp.agent, "/agent");
	ck_assert_str_eq(found.seccomp.metadata, "m");
	finish();
}

TEST(has_the_root_where_there_is_no_mount_namespace)
{
	const struct oci_record_exec *record;

	begin();
	made.rootfs_device = 7;
	made.rootfs_inode = 8;
	store();
	ck_assert_int_eq(load(&record), 0);
	ck_assert(record->has_root_inode);
	ck_assert_uint_eq(found.rootfs_device, 7);
	ck_assert_uint_eq(found.rootfs_inode, 8);
	ck_assert_ptr_null(record->process);
	ck_assert_ptr_null(found.seccomp.filter);
	finish();
}

static void cut(off_t length)
{
	int fd = openat(directory, EXEC_RECORD_FILE, O_WRONLY);

	ck_assert_int_eq(ftruncate(fd, length), 0);
	close(fd);
}

TEST(is_refused_when_damaged)
{
	const struct oci_record_exec *record;
	struct stat status;

	begin();
	made.seccomp = (struct seccomp_plan){.filter = filter, .filter_len = 3};
	store();
	ck_assert_int_eq(fstatat(directory, EXEC_RECORD_FILE, &status, 0), 0);
	cut(status.st_size - 8);
	ck_assert_int_eq(load(&record), -EINVAL);
	ck_assert_str_eq(err.text,
			 "exec.json is damaged: of the seccomp filter's 24 bytes it has 16");
	cut(status.st_size + 8);
	ck_assert_int_eq(load(&record), -EINVAL);
	ck_assert_str_eq(err.text,
			 "exec.json is damaged: of the seccomp filter's 24 bytes it has 32");
	cut(20);
	ck_assert_int_eq(load(&record), -EINVAL);
	ck_assert_str_eq(err.text, "exec.json is damaged: it ends too early");
	finish();
}

TEST(is_missed)
{
	const struct oci_record_exec *record;

	begin();
	ck_assert_int_eq(load(&record), -EINVAL);
	ck_assert_str_eq(err.text, "exec.json is missing");
	finish();
}

TEST(is_written_once)
{
	begin();
	store();
	ck_assert_int_eq(exec_record_store(directory, &made, &err), -EEXIST);
	finish();
}

RUN_TESTS("exec-record", is_read_as_it_was_written, has_the_root_where_there_is_no_mount_namespace,
	  is_refused_when_damaged, is_missed, is_written_once)
