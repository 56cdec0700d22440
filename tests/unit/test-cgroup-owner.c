#include "linux/cgroup-owner.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

static struct error err;
static struct oci_user user = {.uid = 1000};
static struct oci_process process = {.user = &user};
static const char *options[] = {"nosuid", "rw", NULL};
static struct oci_mount mount = {
	.destination = "/sys/fs/cgroup", .source = "cgroup", .options = options, .options_len = 2};
static struct oci_pair annotation = {"run.oci.delegate-cgroup", ""};
static struct oci_config config = {.process = &process,
				   .mounts = &mount,
				   .mounts_len = 1,
				   .annotations = &annotation,
				   .annotations_len = 1};
static struct id_range range = {0, 100000, 65536};
static struct container container = {
	.config = &config,
	.new_namespaces = CLONE_NEWCGROUP | CLONE_NEWUSER,
	.uid_map = {&range, 1},
	.gid_map = {&range, 1},
};
static struct cgroup_owner owner;

TEST(gives_it_to_the_user_of_the_process)
{
	ck_assert_int_eq(cgroup_owner_find(&container, &owner, &err), 1);
	ck_assert_uint_eq(owner.uid, 101000);
	ck_assert_int_eq((int)owner.gid, -1);
	ck_assert(!owner.asked);
}

TEST(keeps_it_where_the_container_cannot_see_it_or_may_not_write)
{
	container.new_namespaces = CLONE_NEWUSER;
	ck_assert_int_eq(cgroup_owner_find(&container, &owner, &err), 0);
	container.new_namespaces = CLONE_NEWUSER | CLONE_NEWCGROUP;
	options[1] = "ro";
	ck_assert_int_eq(cgroup_owner_find(&container, &owner, &err), 0);
	options[1] = "rw";
	mount.destination = "/sys/fs/cgroup/unified";
	ck_assert_int_eq(cgroup_owner_find(&container, &owner, &err), 0);
	mount.destination = "/sys/fs/cgroup";
	mount.source = "cgroup2";
	ck_assert_int_eq(cgroup_owner_find(&container, &owner, &err), 0);
}

TEST(keeps_it_where_it_is_the_users_already_or_nobody_knows_who_he_is)
{
	container.uid = 101000;
	ck_assert_int_eq(cgroup_owner_find(&container, &owner, &err), 0);
	container.uid = 0;
	container.joined_namespaces = CLONE_NEWUSER;
	ck_assert_int_eq(cgroup_owner_find(&container, &owner, &err), 0);
	container.joined_namespaces = 0;
	user.uid = 70000;
	ck_assert_int_eq(cgroup_owner_find(&container, &owner, &err), 0);
}

TEST(gives_it_to_root_where_that_is_asked_for)
{
	annotation.value = "inner";
	container.new_namespaces = CLONE_NEWUSER;
	ck_assert_int_eq(cgroup_owner_find(&container, &owner, &err), 1);
	ck_assert_uint_eq(owner.uid, 100000);
	ck_assert_uint_eq(owner.gid, 100000);
	ck_assert(owner.asked);
	range.inside = 1;
	ck_assert_int_eq(cgroup_owner_find(&container, &owner, &err), -EINVAL);
	ck_assert_str_eq(err.text, "annotations[\"run.oci.delegate-cgroup\"]: nobody knows who is "
				   "root in the container's user namespace");
}

TEST(refuses_names_that_lead_elsewhere)
{
	static const char *const names[] = {"..", ".", "a/b", "/a", "a\nb"};
	const char *name;
	char text[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		annotation.value = names[i];
		ck_assert_int_eq(cgroup_owner_annotation(&config, &name, &err), -EINVAL);
		snprintf(text, sizeof(text),
			 "annotations[\"run.oci.delegate-cgroup\"]: \"%s\" is no name of a cgroup",
			 names[i]);
		ck_assert_str_eq(err.text, text);
	}
	annotation.value = "";
	ck_assert_int_eq(cgroup_owner_annotation(&config, &name, &err), 0);
	ck_assert_ptr_null(name);
	annotation.value = "a..b";
	ck_assert_int_eq(cgroup_owner_annotation(&config, &name, &err), 0);
	ck_assert_str_eq(name, "a..b");
}

RUN_TESTS("cgroup-owner", gives_it_to_the_user_of_the_process,
	  keeps_it_where_the_container_cannot_see_it_or_may_not_write,
	  keeps_it_where_it_is_the_users_already_or_nobody_knows_who_he_is,
	  gives_it_to_root_where_that_is_asked_for, refuses_names_that_lead_elsewhere)
