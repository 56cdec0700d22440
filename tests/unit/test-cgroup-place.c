#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/file.h"
#include "basic/log.h"
#include "cgroups.h"

/* -- places ----------------------------------------------------------------------------------- */

TEST(places_an_absolute_path_at_the_hierarchies_mounts)
{
	if (!can_place())
		return;
	succeed(plan("//machine/./ctr/", "id"));
	for (size_t i = 0; i < place.directories_len; i++)
		ck_assert_str_eq(strstr(place.directories[i], "/machine"), "/machine/ctr");
	if (place.v2)
		ck_assert_str_eq(strstr(place.v2, "/machine"), "/machine/ctr");
	ck_assert_str_eq(place.path, "/machine/ctr");
	ck_assert_str_eq(place.manager, "cgroupfs");
	close_test();
}

TEST(names_a_place_after_the_container_where_no_path_is_given)
{
	if (!can_place())
		return;
	succeed(plan(NULL, "an-id"));
	ck_assert_str_eq(strrchr(place.path, '/'), "/an-id");
	close_test();
}

static void expect_refused(const char *path, const char *why)
{
	ck_assert_int_eq(plan(path, "id"), -EINVAL);
	ck_assert_str_eq(err.text, why);
}

TEST(refuses_a_path_that_could_lead_out)
{
	open_test();
	expect_refused("/a/../../x", "linux.cgroupsPath: \"..\" could lead out of it");
	expect_refused("../x", "linux.cgroupsPath: \"..\" could lead out of it");
	expect_refused("/..", "linux.cgroupsPath: \"..\" could lead out of it");
	arena_release(&arena);
}

TEST(refuses_the_root_cgroup)
{
	if (!can_place())
		return;
	expect_refused("/", "linux.cgroupsPath: the root cgroup cannot be a container's");
	arena_release(&arena);
}

TEST(refuses_a_name_with_a_newline)
{
	open_test();
	expect_refused("/a\nb", "linux.cgroupsPath: no cgroup can have the name \"a\nb\"");
	arena_release(&arena);
}

static void count_line(enum log_level level, const char *message, void *context)
{
	ck_assert_int_eq(level, LOG_LEVEL_DEBUG);
	ck_assert_str_eq(message,
			 "annotations: org.systemd.property.* changes nothing: the container's "
			 "cgroup is not made by systemd");
	++*(int *)context;
}

TEST(tells_once_that_properties_for_systemd_change_nothing)
{
	const struct oci_pair annotations[] = {{"org.systemd.property.KillSignal", "15"},
					       {"org.systemd.property.After", "['a']"}};
	const struct cgroup_wish wish = {
		.id = "x", .manager = "disabled", .annotations = annotations, .annotations_len = 2};
	int lines = 0;

	open_test();
	log_set_level(LOG_LEVEL_DEBUG);
	log_set_sink(count_line, &lines);
	succeed(cgroup_plan(&wish, &arena, &place, &err));
	ck_assert_int_eq(lines, 1);
	arena_release(&arena);
}

TEST(explains_a_path_for_systemd)
{
	open_test();
	expect_refused(
		"machine.slice:libpod:abc",
		"linux.cgroupsPath \"machine.slice:libpod:abc\": the cgroupfs manager takes a "
		"path");
	ck_assert_str_eq(err.hint,
			 "this is a place in a systemd, for --systemd-cgroup; or have the "
			 "engine use the cgroupfs manager");
	arena_release(&arena);
}

TEST(refuses_its_callers_own_cgroup_and_what_is_above_it)
{
	char own[80];
	pid_t pid;

	if (!can_make_cgroups())
		return;
	make_place("own/inner");
	pid = fork();
	if (pid == 0) {
		succeed(cgroup_enter(&place, getpid(), false, &err));
		snprintf(own, sizeof(own), "%s/own/inner", base);
		ck_assert_int_eq(plan(own, "id"), -EINVAL);
		ck_assert_ptr_nonnull(strstr(err.text, "own/inner cannot be a container's cgroup"));
		snprintf(own, sizeof(own), "%s/own", base);
		ck_assert_int_eq(plan(own, "id"), -EINVAL);
		snprintf(own, sizeof(own), "%s/own/inner2", base);
		succeed(plan(own, "id"));
		_exit(0);
	}
	ck_assert_int_eq(wait_for(pid), 0);
	remove_place();
	make_place("own");
	remove_place();
	close_test();
}

TEST(makes_no_place_without_a_manager_of_that_name)
{
	const struct cgroup_wish other = {.id = "x", .manager = "foo"};

	open_test();
	ck_assert_int_eq(cgroup_plan(&other, &arena, &place, &err), -EINVAL);
	ck_assert_str_eq(err.text, "unknown cgroup manager \"foo\"");
	arena_release(&arena);
}

TEST(does_nothing_where_cgroups_are_disabled)
{
	struct oci_pids pids = {.has_limit = true, .limit = 1};
	struct oci_resources resources = {.pids = &pids};
	struct cgroup_wish wish = {.id = "x", .manager = "disabled"};

	open_test();
	succeed(cgroup_plan(&wish, &arena, &place, &err));
	ck_assert_str_eq(place.manager, "disabled");
	ck_assert_ptr_null(place.v2);
	ck_assert_uint_eq(place.directories_len, 0);
	succeed(cgroup_create(&place, &err));
	succeed(cgroup_enter(&place, getpid(), false, &err));
	succeed(cgroup_limit(&place, NULL, &err));
	succeed(cgroup_kill(&place, &err));
	succeed(cgroup_remove(&place, &err));
	ck_assert_int_eq(cgroup_clone_fd(&place), -1);

	wish.resources = &resources;
	ck_assert_int_eq(cgroup_plan(&wish, &arena, &place, &err), -EINVAL);
	ck_assert_str_eq(err.text, "linux.resources.pids: the container gets no cgroup that could "
				   "be limited");
	arena_release(&arena);
}

/* Not in a user namespace with one user. */
static bool has_other_users(void)
{
	char map[64];

	return file_read_small(AT_FDCWD, "/proc/self/uid_map", map, sizeof(map)) > 0 &&
	       !strstr(map, " 1\n");
}

/* Runs body as a user who may not make cgroups. */
static void as_a_plain_user(void (*body)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
			printf("skipped: there is no other user here\n");
		else
			body();
		fflush(stdout);
		_exit(0);
	}
	ck_assert_int_eq(wait_for(pid), 0);
}

static void plan_as_plain_user(void)
{
	struct oci_pids pids = {.has_limit = true, .limit = 5};
	struct oci_device_rule rule = {.access = "rwm"};
	struct oci_resources resources = {.devices = &rule, .devices_len = 1};
	struct cgroup_wish wish = {
		.id = "x", .cgroups_path = base, .resources = &resources, .optional = true};
	char text[256];

	succeed(cgroup_plan(&wish, &arena, &place, &err));
	ck_assert_str_eq(place.manager, "disabled");
	resources.pids = &pids;
	ck_assert_int_eq(cgroup_plan(&wish, &arena, &place, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "linux.resources.pids: "));
	snprintf(text, sizeof(text), " delegated to uid %u", (unsigned int)geteuid());
	ck_assert_str_eq(err.text + strlen(err.text) - strlen(text), text);
	ck_assert_str_ne(err.hint, "");
}

TEST(does_without_a_cgroup_where_none_is_delegated)
{
	if (!can_place())
		return;
	as_a_plain_user(plan_as_plain_user);
	arena_release(&arena);
}

static void create_as_plain_user(void)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/x", base);
	succeed(plan(path, "x"));
	ck_assert_int_eq(cgroup_create(&place, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, " may not make cgroup /"));
	ck_assert_str_eq(err.hint, "the cgroup above it is not delegated to this user");
}

TEST(explains_a_cgroup_that_may_not_be_made)
{
	if (!can_make_cgroups())
		return;
	as_a_plain_user(create_as_plain_user);
	close_test();
}

/* Gives the directory, and what one needs to use it, to the user. */
static void delegate(const char *directory, uid_t uid)
{
	static const char *const files[] = {"", "cgroup.procs", "tasks", "cgroup.subtree_control"};
	char path[512];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, files[i]);
		if (chown(path, uid, uid) < 0)
			ck_assert_int_eq(errno, ENOENT);
	}
}

static void use_what_is_delegated(void)
{
	char path[80];
	struct cgroup_wish wish = {.id = "x", .cgroups_path = path, .optional = true};
	pid_t pid;

	snprintf(path, sizeof(path), "%s/user/container", base);
	succeed(cgroup_plan(&wish, &arena, &place, &err));
	ck_assert_str_eq(place.manager, "cgroupfs");
	succeed(cgroup_create(&place, &err));
	pid = start(sleep_for_ever);
	remove_place();
	ck_assert_int_eq(WTERMSIG(wait_for(pid)), SIGKILL);
}

TEST(uses_a_cgroup_that_is_delegated_to_a_plain_user)
{
	struct oci_record_cgroup outer;
	pid_t pid;

	if (geteuid() != 0 || !has_other_users()) {
		printf("skipped: there is no other user here\n");
		return;
	}
	if (!can_make_cgroups())
		return;
	make_place("user");
	outer = place;
	for (size_t i = 0; i < place.directories_len; i++)
		delegate(place.directories[i], 65534);
	if (place.v2)
		delegate(place.v2, 65534);
	make_place("user/own");
	pid = fork();
	if (pid == 0) {
		succeed(cgroup_enter(&place, 0, false, &err));
		as_a_plain_user(use_what_is_delegated);
		_exit(0);
	}
	ck_assert_int_eq(wait_for(pid), 0);
	place = outer;
	remove_place();
	close_test();
}

RUN_TESTS("cgroup-place", places_an_absolute_path_at_the_hierarchies_mounts,
	  names_a_place_after_the_container_where_no_path_is_given,
	  refuses_a_path_that_could_lead_out, refuses_the_root_cgroup,
	  refuses_a_name_with_a_newline, tells_once_that_properties_for_systemd_change_nothing,
	  explains_a_path_for_systemd, refuses_its_callers_own_cgroup_and_what_is_above_it,
	  makes_no_place_without_a_manager_of_that_name, does_nothing_where_cgroups_are_disabled,
	  does_without_a_cgroup_where_none_is_delegated, explains_a_cgroup_that_may_not_be_made,
	  uses_a_cgroup_that_is_delegated_to_a_plain_user)
