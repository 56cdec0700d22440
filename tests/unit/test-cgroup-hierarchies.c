#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup/hierarchies.h"
#include "unit.h"

static struct arena arena;
static struct hierarchies found;

static void write_file(int folder, const char *name, const char *text)
{
	int fd = openat(folder, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* From a directory with the two files that are read of a procfs. */
static void read_from(const char *mountinfo, const char *cgroups)
{
	char folder[] = "/tmp/proa-unit-XXXXXX";
	struct error err = {0};
	int proc, r;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	proc = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(mkdirat(proc, "self", 0700), 0);
	write_file(proc, "self/mountinfo", mountinfo);
	write_file(proc, "self/cgroup", cgroups);
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	r = hierarchies_read(&arena, proc, "self/cgroup", &found, &err);
	unlinkat(proc, "self/mountinfo", 0);
	unlinkat(proc, "self/cgroup", 0);
	unlinkat(proc, "self", AT_REMOVEDIR);
	close(proc);
	rmdir(folder);
	ck_assert_int_eq(r, 0);
}

static void expect(size_t index, const char *controllers, const char *mount, const char *own)
{
	const struct hierarchy *hierarchy = &found.list[index];

	ck_assert_str_eq(hierarchy->controllers, controllers);
	ck_assert_str_eq(hierarchy->mount, mount);
	ck_assert_int_eq(hierarchy->v2, controllers[0] == '\0');
	if (own)
		ck_assert_str_eq(hierarchy->own, own);
	else
		ck_assert_ptr_null(hierarchy->own);
}

/* The device 0:0 stands for one that is not looked for. */
#define MOUNT(root, mount, type, options) \
	"30 20 0:0 " root " " mount " rw,relatime shared:9 - " type " " type " " options "\n"
#define OTHER_MOUNTS                                      \
	"22 27 0:21 / /proc rw,relatime - proc proc rw\n" \
	"31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"

TEST(finds_version_2_alone)
{
	read_from(OTHER_MOUNTS MOUNT("/", "/sys/fs/cgroup", "cgroup2", "rw,nsdelegate"),
		  "0::/user.slice/session-1.scope\n");
	ck_assert_int_eq(found.mode, CGROUP_V2);
	ck_assert_uint_eq(found.count, 1);
	expect(0, "", "/sys/fs/cgroup", "/user.slice/session-1.scope");
	arena_release(&arena);
}

TEST(finds_version_1_with_the_freezer_first)
{
	read_from(OTHER_MOUNTS MOUNT("/", "/sys/fs/cgroup/cpu,cpuacct", "cgroup", "rw,cpu,cpuacct")
			  MOUNT("/", "/sys/fs/cgroup/systemd", "cgroup", "rw,xattr,name=systemd")
				  MOUNT("/", "/sys/fs/cgroup/freezer", "cgroup", "rw,freezer"),
		  "4:freezer:/\n3:name=systemd:/a\n2:cpu,cpuacct:/b/c\n");
	ck_assert_int_eq(found.mode, CGROUP_V1);
	ck_assert_uint_eq(found.count, 3);
	expect(0, "freezer", "/sys/fs/cgroup/freezer", "");
	expect(1, "name=systemd", "/sys/fs/cgroup/systemd", "/a");
	expect(2, "cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct", "/b/c");
	arena_release(&arena);
}

TEST(finds_both_with_version_2_last)
{
	read_from(MOUNT("/", "/sys/fs/cgroup/unified", "cgroup2", "rw")
			  MOUNT("/", "/sys/fs/cgroup/memory", "cgroup", "rw,memory"),
		  "1:memory:/m\n0::/u\n");
	ck_assert_int_eq(found.mode, CGROUP_HYBRID);
	expect(0, "memory", "/sys/fs/cgroup/memory", "/m");
	expect(1, "", "/sys/fs/cgroup/unified", "/u");
	arena_release(&arena);
}

TEST(takes_a_hierarchy_that_is_mounted_twice_once)
{
	read_from(MOUNT("/elsewhere", "/mnt/part", "cgroup2", "rw")
			  MOUNT("/", "/sys/fs/cgroup", "cgroup2", "rw")
				  MOUNT("/", "/mnt/whole", "cgroup2", "rw"),
		  "0::/u\n");
	ck_assert_uint_eq(found.count, 1);
	expect(0, "", "/sys/fs/cgroup", "/u");
	arena_release(&arena);
}

TEST(counts_the_callers_cgroup_from_what_is_mounted)
{
	read_from(MOUNT("/docker/abc", "/sys/fs/cgroup", "cgroup2", "rw"), "0::/docker/abc/in\n");
	expect(0, "", "/sys/fs/cgroup", "/in");
	arena_release(&arena);
	read_from(MOUNT("/docker/abc", "/sys/fs/cgroup", "cgroup2", "rw"), "0::/docker/abc\n");
	expect(0, "", "/sys/fs/cgroup", "");
	arena_release(&arena);
}

TEST(does_not_see_a_caller_outside_of_what_is_mounted)
{
	read_from(MOUNT("/docker/abc", "/sys/fs/cgroup", "cgroup2", "rw"), "0::/docker/abcd\n");
	expect(0, "", "/sys/fs/cgroup", NULL);
	arena_release(&arena);
	read_from(MOUNT("/", "/sys/fs/cgroup", "cgroup2", "rw"), "0::/../other\n");
	expect(0, "", "/sys/fs/cgroup", NULL);
	arena_release(&arena);
}

TEST(reads_a_mount_with_a_space_in_its_name)
{
	read_from(MOUNT("/", "/a\\040b", "cgroup2", "rw"), "0::/\n");
	expect(0, "", "/a b", "");
	arena_release(&arena);
}

TEST(passes_over_a_mount_that_another_covers)
{
	read_from("30 20 0:9999 / /sys rw - cgroup2 cgroup2 rw\n", "0::/\n");
	ck_assert_int_eq(found.mode, CGROUP_NONE);
	arena_release(&arena);
}

TEST(finds_nothing_where_nothing_is_mounted)
{
	read_from(OTHER_MOUNTS, "1:memory:/\n0::/\n");
	ck_assert_int_eq(found.mode, CGROUP_NONE);
	ck_assert_uint_eq(found.count, 0);
	arena_release(&arena);
}

/* The overlays of a host with many containers. */
TEST(finds_them_behind_any_number_of_other_mounts)
{
	enum { LINE = 100, COUNT = 2000, LONG = 40000 };
	char *text = calloc(1, LINE * COUNT + LONG + 1000), *end = text;

	for (int i = 0; i < COUNT; i++)
		end += snprintf(end, LINE, "%d 22 0:21 / /merged/%0*d rw - overlay overlay rw\n", i,
				i % 50, i);
	end += snprintf(end, LONG + 100, "99 22 0:21 / /long rw - overlay overlay rw,l=%0*d\n",
			LONG, 0);
	strcpy(end, MOUNT("/", "/sys/fs/cgroup", "cgroup2", "rw"));
	read_from(text, "0::/a\n");
	ck_assert_uint_eq(found.count, 1);
	expect(0, "", "/sys/fs/cgroup", "/a");
	arena_release(&arena);
	free(text);
}

RUN_TESTS("cgroup-hierarchies", finds_version_2_alone, finds_them_behind_any_number_of_other_mounts,
	  finds_version_1_with_the_freezer_first, finds_both_with_version_2_last,
	  takes_a_hierarchy_that_is_mounted_twice_once,
	  counts_the_callers_cgroup_from_what_is_mounted,
	  does_not_see_a_caller_outside_of_what_is_mounted, reads_a_mount_with_a_space_in_its_name,
	  passes_over_a_mount_that_another_covers, finds_nothing_where_nothing_is_mounted)
