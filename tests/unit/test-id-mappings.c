#include "linux/id-mappings.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <signal.h>

#include "scratch.h"
#include "unit.h"

static struct error err;
static struct oci_linux properties;
static struct oci_config config = {.linux = &properties};
static struct arena arena;
static struct container container;

#define RANGES(...) ((struct oci_id_mapping[]){__VA_ARGS__, {0, 0, 0}})

static size_t length_of(const struct oci_id_mapping *ranges)
{
	size_t length = 0;

	while (ranges[length].size)
		length++;
	return length;
}

/* The config's maps; each ends with {0}. */
static void set_maps(struct oci_id_mapping *uids, struct oci_id_mapping *gids)
{
	properties = (struct oci_linux){
		.uid_mappings = uids,
		.uid_mappings_len = length_of(uids),
		.gid_mappings = gids,
		.gid_mappings_len = length_of(gids),
	};
}

static int validate(void)
{
	return section_id_mappings.validate(&config, &err);
}

static void expect_rejected(const char *why)
{
	ck_assert_int_eq(validate(), -EINVAL);
	ck_assert_str_eq(err.text, why);
}

#define SOUND RANGES({0, 100000, 65536})

/* -- validate ---------------------------------------------------------------------------------- */

TEST(accepts_maps_of_one_range_or_several)
{
	ck_assert_int_eq(section_id_mappings.validate(&(struct oci_config){0}, &err), 0);
	set_maps(RANGES({0}), RANGES({0}));
	ck_assert_int_eq(validate(), 0);
	set_maps(SOUND, RANGES({0, 1000, 1}, {1, 100000, 1000}, {2000, 200000, 1}));
	ck_assert_int_eq(validate(), 0);
	set_maps(RANGES({0, 0, 4294967295}), RANGES({1, 2, 1}, {0, 1, 1}, {2, 0, 1}));
	ck_assert_int_eq(validate(), 0);
}

TEST(rejects_a_range_of_nothing)
{
	set_maps(SOUND, SOUND);
	properties.uid_mappings = RANGES({0, 1000, 1}, {1, 2000, 0});
	properties.uid_mappings_len = 2;
	expect_rejected("linux.uidMappings: size of range 1 is 0");
}

TEST(rejects_ranges_that_go_beyond_the_last_id)
{
	set_maps(SOUND, RANGES({1, 100000, 1}, {10, 4294967000, 296}));
	expect_rejected("linux.gidMappings: range 1 goes beyond the last id, 4294967294");
	set_maps(RANGES({4294967295, 0, 1}), SOUND);
	expect_rejected("linux.uidMappings: range 0 goes beyond the last id, 4294967294");
	set_maps(RANGES({0, 4294967294, 1}, {2, 1, 4294967294}), SOUND);
	expect_rejected("linux.uidMappings: range 1 goes beyond the last id, 4294967294");
}

TEST(rejects_ranges_that_overlap)
{
	set_maps(RANGES({0, 1000, 10}, {50, 2000, 1}, {9, 3000, 1}), SOUND);
	expect_rejected("linux.uidMappings: ranges 0 and 2 overlap");
	set_maps(SOUND, RANGES({5, 1000, 1}, {0, 2000, 10}));
	expect_rejected("linux.gidMappings: ranges 0 and 1 overlap");
	set_maps(RANGES({0, 1000, 10}, {10, 2000, 10}), RANGES({10, 1000, 10}, {0, 2000, 10}));
	ck_assert_int_eq(validate(), 0);
}

TEST(rejects_one_map_without_the_other)
{
	const char *hint = "give both, or none to have them made from /etc/subuid and /etc/subgid";

	set_maps(SOUND, RANGES({0}));
	expect_rejected("linux.gidMappings is missing");
	ck_assert_str_eq(err.hint, hint);
	set_maps(RANGES({0}), SOUND);
	expect_rejected("linux.uidMappings is missing");
	ck_assert_str_eq(err.hint, hint);
}

TEST(rejects_more_ranges_than_the_kernel_takes)
{
	static struct oci_id_mapping ranges[342];

	for (uint32_t i = 0; i < 341; i++)
		ranges[i] = (struct oci_id_mapping){i, i, 1};
	set_maps(ranges, SOUND);
	expect_rejected("linux.uidMappings: 341 ranges, but the kernel takes 340");
	ranges[340].size = 0;
	set_maps(ranges, SOUND);
	ck_assert_int_eq(validate(), 0);
}

/* -- look up ----------------------------------------------------------------------------------- */

static void expect_outside(const struct id_map *map, uint32_t id, int64_t expected)
{
	uint32_t outside = 0;
	bool found = id_map_lookup(&container, map, id, &outside);

	ck_assert_msg(found == (expected >= 0), "%" PRIu32, id);
	if (found)
		ck_assert_int_eq(outside, expected);
}

TEST(knows_what_the_host_calls_an_id)
{
	struct id_range ranges[] = {
		{1, 100000, 1000}, {0, 1000, 1}, {5000, 0, 1}, {4294967294, 7, 1}};
	const struct id_map map = {ranges, 4}, none = {NULL, 0};

	expect_outside(&map, 0, 1000);
	expect_outside(&map, 1, 100000);
	expect_outside(&map, 1000, 100999);
	expect_outside(&map, 1001, -1);
	expect_outside(&map, 4999, -1);
	expect_outside(&map, 5000, 0);
	expect_outside(&map, 5001, -1);
	expect_outside(&map, 4294967293, -1);
	expect_outside(&map, 4294967294, 7);
	expect_outside(&map, 4294967295, -1);
	expect_outside(&none, 0, 0);
	expect_outside(&none, 4294967294, 4294967294);
}

/* -- prepare ----------------------------------------------------------------------------------- */

static void begin(int new, int joined)
{
	if (!arena.start)
		ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	container = (struct container){
		.arena = &arena,
		.config = &config,
		.host_privileges = true,
		.new_namespaces = new,
		.joined_namespaces = joined,
		.uid = 1000,
		.gid = 2000,
		.proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC),
	};
}

static int prepare(void)
{
	return section_id_mappings.prepare(&container, &err);
}

/* The map as text, "INSIDE OUTSIDE COUNT, INSIDE ...". */
static const char *map_text(const struct id_map *map)
{
	char *text = room();
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < map->ranges_len && used < ROOM; i++)
		used += (size_t)snprintf(text + used, ROOM - used,
					 "%s%" PRIu32 " %" PRIu32 " %" PRIu32, i ? ", " : "",
					 map->ranges[i].inside, map->ranges[i].outside,
					 map->ranges[i].count);
	return text;
}

static void expect_maps(const char *uids, const char *gids)
{
	ck_assert_msg(prepare() == 0, "%s", err.text);
	ck_assert_str_eq(map_text(&container.uid_map), uids);
	ck_assert_str_eq(map_text(&container.gid_map), gids);
}

TEST(takes_over_the_maps_of_the_config)
{
	set_maps(RANGES({0, 100000, 1000}, {5000, 7, 1}), SOUND);
	begin(CLONE_NEWUSER, 0);
	expect_maps("0 100000 1000, 5000 7 1", "0 100000 65536");
	ck_assert(!container.deny_setgroups);
	/* What engines know of a namespace that they made. */
	begin(0, CLONE_NEWUSER);
	expect_maps("0 100000 1000, 5000 7 1", "0 100000 65536");
	arena_release(&arena);
}

TEST(has_no_maps_without_a_user_namespace)
{
	set_maps(SOUND, SOUND);
	begin(CLONE_NEWNS, CLONE_NEWNET);
	expect_maps("", "");
	set_maps(RANGES({0}), RANGES({0}));
	begin(0, CLONE_NEWUSER);
	expect_maps("", "");
	config.linux = NULL;
	begin(0, CLONE_NEWUSER);
	expect_maps("", "");
	arena_release(&arena);
}

TEST(makes_no_maps_for_root)
{
	set_maps(RANGES({0}), RANGES({0}));
	begin(CLONE_NEWUSER, 0);
	ck_assert_int_eq(prepare(), -EINVAL);
	ck_assert_str_eq(err.text, "linux.uidMappings is missing");
	ck_assert_str_eq(err.hint, "a new user namespace needs linux.uidMappings and "
				   "linux.gidMappings");
	config.linux = NULL;
	ck_assert_int_eq(prepare(), -EINVAL);
	arena_release(&arena);
}

TEST(denies_setgroups_where_the_kernel_asks_for_it)
{
	set_maps(RANGES({0, 1000, 1}), RANGES({0, 2000, 1}));
	begin(CLONE_NEWUSER, 0);
	container.host_privileges = false;
	expect_maps("0 1000 1", "0 2000 1");
	ck_assert(container.deny_setgroups);
	begin(CLONE_NEWUSER, 0);
	expect_maps("0 1000 1", "0 2000 1");
	ck_assert(!container.deny_setgroups);
	set_maps(RANGES({0, 1000, 1}), RANGES({0, 2000, 1}, {1, 100000, 10}));
	begin(CLONE_NEWUSER, 0);
	container.host_privileges = false;
	expect_maps("0 1000 1", "0 2000 1, 1 100000 10");
	ck_assert(!container.deny_setgroups);
	arena_release(&arena);
}

/* What /etc/subuid and /etc/subgid are to hold, for root of the child's user namespace. */
struct subordinates {
	const char *uids, *gids;
};

static void cover(const char *file, const char *text)
{
	char path[] = "/tmp/proa-test-sub-XXXXXX";

	close(mkstemp(path));
	put_file(path, text);
	skip_unless(sys_mount(path, file, NULL, MS_BIND, NULL) == 0);
	unlink(path);
}

/* Tells the maps in the error's text. */
static int make_maps(void *context, struct error *e)
{
	const struct subordinates *what = context;

	enter_namespaces(CLONE_NEWNS | (geteuid() == 0 ? 0 : CLONE_NEWUSER));
	sys_mount_propagation("/", MS_REC | MS_PRIVATE);
	cover("/etc/subuid", what->uids);
	cover("/etc/subgid", what->gids);
	begin(CLONE_NEWUSER, 0);
	container.host_privileges = false;
	if (prepare() < 0)
		return -err.code;
	snprintf(e->text, sizeof(e->text), "%s / %s%s", map_text(&container.uid_map),
		 map_text(&container.gid_map), container.deny_setgroups ? ", no groups" : "");
	return 0;
}

static void expect_made(struct subordinates what, const char *with_tools, const char *without)
{
	bool tools = access("/usr/bin/newuidmap", X_OK) == 0;
	int r = in_child(make_maps, &what, &err);

	if (r == CHILD_SKIPPED)
		printf("skipped: no mount namespace for this user here\n");
	else
		ck_assert_str_eq(err.text, tools ? with_tools : without);
}

TEST(makes_maps_of_a_plain_users_subordinate_ids)
{
	const char *alone = "0 1000 1 / 0 2000 1, no groups";

	set_maps(RANGES({0}), RANGES({0}));
	expect_made((struct subordinates){"0:100000:65536\n", "0:300000:10\n0:400000:20\n"},
		    "0 1000 1, 1 100000 65536 / 0 2000 1, 1 300000 10, 11 400000 20", alone);
	expect_made((struct subordinates){"1:100000:65536\n", ""}, alone, alone);
	config.linux = NULL;
	expect_made((struct subordinates){"", ""}, alone, alone);
}

/* -- write ------------------------------------------------------------------------------------- */

/* A child in a user namespace of its own, which waits to be killed; 0 if there can be none. */
static pid_t start_in_namespace(void)
{
	int ready[2];
	char byte = 0;
	pid_t pid;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		byte = unshare(CLONE_NEWUSER) == 0;
		if (write(ready[1], &byte, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	if (byte)
		return pid;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	printf("skipped: no user namespaces for this user here\n");
	return 0;
}

static const char *file_of(pid_t pid, const char *name)
{
	char path[64];
	uint32_t inside, outside, count;
	char *text = room();

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	if (sscanf(content(path), "%" SCNu32 " %" SCNu32 " %" SCNu32, &inside, &outside, &count) !=
	    3)
		return content(path);
	snprintf(text, ROOM, "%" PRIu32 " %" PRIu32 " %" PRIu32, inside, outside, count);
	return text;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

TEST(writes_a_map_of_the_own_id_as_anybody)
{
	pid_t pid = start_in_namespace();
	char uids[64], gids[64];

	if (!pid)
		return;
	set_maps(RANGES({5, geteuid(), 1}), RANGES({6, getegid(), 1}));
	begin(CLONE_NEWUSER, 0);
	container.host_privileges = false;
	container.uid = geteuid();
	container.gid = getegid();
	ck_assert_int_eq(prepare(), 0);
	ck_assert_msg(id_mappings_write(&container, pid, &err) == 0, "%s", err.text);
	snprintf(uids, sizeof(uids), "5 %u 1", geteuid());
	snprintf(gids, sizeof(gids), "6 %u 1", getegid());
	ck_assert_str_eq(file_of(pid, "uid_map"), uids);
	ck_assert_str_eq(file_of(pid, "gid_map"), gids);
	ck_assert_str_eq(file_of(pid, "setgroups"), "deny");
	stop(pid);
	arena_release(&arena);
}

TEST(writes_any_map_as_root)
{
	pid_t pid;

	if (geteuid() != 0) {
		printf("skipped: only root writes a map of many ids itself\n");
		return;
	}
	pid = start_in_namespace();
	if (!pid)
		return;
	set_maps(RANGES({0, 100000, 65536}), RANGES({0, 4294901759, 65536}));
	begin(CLONE_NEWUSER, 0);
	ck_assert_int_eq(prepare(), 0);
	ck_assert_msg(id_mappings_write(&container, pid, &err) == 0, "%s", err.text);
	ck_assert_str_eq(file_of(pid, "uid_map"), "0 100000 65536");
	ck_assert_str_eq(file_of(pid, "gid_map"), "0 4294901759 65536");
	ck_assert_str_eq(file_of(pid, "setgroups"), "allow");
	/* A map is written once. */
	ck_assert_int_eq(id_mappings_write(&container, pid, &err), -EPERM);
	ck_assert_ptr_nonnull(strstr(err.text, "linux.uidMappings: write /proc/"));
	ck_assert_ptr_nonnull(strstr(err.text, "/uid_map: operation not permitted"));
	ck_assert_str_eq(err.hint, "the ids on the host must be ones that the runtime itself has");
	stop(pid);
	arena_release(&arena);
}

/* -- become ------------------------------------------------------------------------------------ */

static int become_root_inside(void *context, struct error *e)
{
	uid_t uids[3] = {1, 1, 1};
	gid_t gids[3] = {1, 1, 1};

	(void)context;
	enter_namespaces(CLONE_NEWUSER);
	if (id_mappings_become(&container, e) < 0)
		return -e->code;
	getresuid(&uids[0], &uids[1], &uids[2]);
	getresgid(&gids[0], &gids[1], &gids[2]);
	return (int)(uids[0] + uids[1] + uids[2] + gids[0] + gids[1] + gids[2]);
}

static int become_the_first_inside(void *context, struct error *e)
{
	gid_t group = 3000;
	uid_t uid, effective, saved;

	(void)context;
	skip_unless(geteuid() == 0 && setgroups(1, &group) == 0);
	if (id_mappings_become(&container, e) < 0)
		return -e->code;
	getresuid(&uid, &effective, &saved);
	if (getgroups(0, NULL) != 0)
		return error_config(e, "the groups are still there");
	return uid == 1000 && effective == 1000 && saved == 1000 && getegid() == 2000 ? 0 : 1;
}

TEST(becomes_root_inside_or_the_first_user_there_is)
{
	int r;

	set_maps(RANGES({7, 100000, 1}, {0, 1000, 1}), RANGES({0, 2000, 1}));
	begin(CLONE_NEWUSER, 0);
	ck_assert_int_eq(prepare(), 0);
	container.deny_setgroups = true;
	r = in_child(become_root_inside, NULL, &err);
	ck_assert_msg(r == 0 || r == CHILD_SKIPPED, "%d %s", r, err.text);

	set_maps(RANGES({1000, 100000, 1}, {2000, 1000, 1}), RANGES({2000, 2000, 1}));
	begin(CLONE_NEWUSER, 0);
	ck_assert_int_eq(prepare(), 0);
	r = in_child(become_the_first_inside, NULL, &err);
	ck_assert_msg(r == 0 || r == CHILD_SKIPPED, "%d %s", r, err.text);
	arena_release(&arena);
}

RUN_TESTS("id-mappings", accepts_maps_of_one_range_or_several, rejects_a_range_of_nothing,
	  rejects_ranges_that_go_beyond_the_last_id, rejects_ranges_that_overlap,
	  rejects_one_map_without_the_other, rejects_more_ranges_than_the_kernel_takes,
	  knows_what_the_host_calls_an_id, takes_over_the_maps_of_the_config,
	  has_no_maps_without_a_user_namespace, makes_no_maps_for_root,
	  denies_setgroups_where_the_kernel_asks_for_it,
	  makes_maps_of_a_plain_users_subordinate_ids, writes_a_map_of_the_own_id_as_anybody,
	  writes_any_map_as_root, becomes_root_inside_or_the_first_user_there_is)
