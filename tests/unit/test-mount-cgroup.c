#include <errno.h>
#include <linux/magic.h>

#include "linux/mounts.h"
#include "scratch.h"
#include "unit.h"

static struct scratch s;
static bool v2; /* the whole host, and nothing but v2 */

static void begin(int namespaces)
{
	static const char *options[] = {"nosuid", "noexec", "nodev", "relatime", "ro", NULL};
	static struct oci_mount mounts[3];

	scratch_begin(&s);
	v2 = type_of("/sys/fs/cgroup") == CGROUP2_SUPER_MAGIC;
	s.namespaces |= namespaces;
	memset(mounts, 0, sizeof(mounts));
	mounts[0] = (struct oci_mount){.destination = "/proc", .type = "proc"};
	mounts[1] = (struct oci_mount){
		.destination = "/sys/fs/cgroup", .type = "cgroup", .options = options};
	set_mounts(&s, mounts);
}

/* Whether each hierarchy of /proc/self/cgroup that the host has mounted shows a cgroup, the container's
 * own: then this process is listed in it. */
static void look_at_hierarchies(struct scratch *scratch)
{
	char line[512], directory[256], path[512];
	FILE *file = fopen("/proc/self/cgroup", "re");
	int missing = 0, writable = 0;

	(void)scratch;
	while (file && fgets(line, sizeof(line), file)) {
		char *controllers = strchr(line, ':') + 1;

		*strchr(controllers, ':') = '\0';
		snprintf(directory, sizeof(directory), "%s",
			 controllers[0] ? controllers : "unified");
		if (strncmp(directory, "name=", 5) == 0)
			memmove(directory, directory + 5, strlen(directory + 5) + 1);
		snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/cgroup.procs",
			 v2 ? "." : directory);
		missing += access(path, F_OK) < 0;
		snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", v2 ? "." : directory);
		writable += strncmp(flags_of(path), "ro,nosuid,nodev,noexec", 22) != 0;
	}
	if (file)
		fclose(file);
	report(&s, "%s, %d missing, %d writable", flags_of("/sys/fs/cgroup"), missing, writable);
}

static void expect_all(int namespaces)
{
	begin(namespaces);
	s.look = look_at_hierarchies;
	scratch_expect(&s, "ro,nosuid,nodev,noexec, 0 missing, 0 writable");
	scratch_end(&s);
}

TEST(shows_the_own_cgroup_without_a_cgroup_namespace)
{
	expect_all(0);
}

TEST(shows_the_own_cgroup_in_a_cgroup_namespace)
{
	expect_all(CLONE_NEWCGROUP);
}

TEST(shows_something_in_a_user_namespace)
{
	expect_all(CLONE_NEWUSER);
	expect_all(CLONE_NEWUSER | CLONE_NEWCGROUP);
}

TEST(plans_one_mount_for_v2_and_several_for_v1)
{
	struct error err = {0};

	begin(0);
	ck_assert_int_eq(scratch_prepare(&s, &err), 0);
	if (v2)
		ck_assert_uint_eq(s.container.mounts_len, 2);
	else
		ck_assert_uint_gt(s.container.mounts_len, 2);
	for (size_t i = 1; i < s.container.mounts_len; i++)
		ck_assert_uint_eq(s.container.mounts[i].index, 1);
	scratch_end(&s);
}

TEST(knows_which_of_the_containers_directories_each_mount_shows)
{
	static const char *const directories[] = {"/sys/fs/cgroup/memory/a/b",
						  "/sys/fs/cgroup/cpu,cpuacct/a/b"};
	struct mount_plan mounts[] = {
		{.kind = MOUNT_BIND, .source = "/sys/fs/cgroup/memory"},
		{.kind = MOUNT_CGROUP, .source = "/sys/fs/cgroup/cpu,cpuacct", .hierarchy = "x"},
		{.kind = MOUNT_CGROUP, .source = "/sys/fs/cgroup/memory", .hierarchy = "memory"},
		{.kind = MOUNT_CGROUP, .source = "/sys/fs/cgroup/unified", .hierarchy = ""},
		{.kind = MOUNT_CGROUP, .source = "/sys/fs/cgroup/cpu", .hierarchy = "cpu"},
	};
	struct container container = {.mounts = mounts, .mounts_len = 4};

	ck_assert(mount_cgroup_know(&container, directories, 2));
	ck_assert_ptr_null(mounts[0].own);
	ck_assert_str_eq(mounts[1].own, directories[1]);
	ck_assert_str_eq(mounts[2].own, directories[0]);
	ck_assert_ptr_null(mounts[3].own);

	container.mounts_len = 5; /* "cpu" is only the beginning of a name */
	ck_assert(!mount_cgroup_know(&container, directories, 2));
	container.new_namespaces = CLONE_NEWCGROUP; /* then it is new, and shows what is its own */
	ck_assert(mount_cgroup_know(&container, directories, 2));
}

RUN_TESTS("mount-cgroup", shows_the_own_cgroup_without_a_cgroup_namespace,
	  shows_the_own_cgroup_in_a_cgroup_namespace, shows_something_in_a_user_namespace,
	  plans_one_mount_for_v2_and_several_for_v1,
	  knows_which_of_the_containers_directories_each_mount_shows)
