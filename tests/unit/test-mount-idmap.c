#include "linux/mount-idmap.h"

#include <errno.h>

#include "scratch.h"
#include "unit.h"

static struct scratch s;
static struct error err;
static struct oci_id_mapping thousand = {.container_id = 0, .host_id = 1000, .size = 10};

static void begin(struct oci_mount *mounts)
{
	scratch_begin(&s);
	set_mounts(&s, mounts);
}

static void expect_refused(struct oci_mount mount, const char *expected)
{
	mount.destination = "/x";
	mount.source = "host";
	begin(MOUNTS(mount));
	ck_assert_int_lt(scratch_prepare(&s, &err), 0);
	ck_assert_str_eq(err.text, expected);
	scratch_end(&s);
}

static void expect_option_refused(const char *word, const char *expected)
{
	expect_refused((struct oci_mount){.options = OPTIONS("bind", word)}, expected);
}

TEST(refuses_what_is_no_list)
{
	expect_option_refused("idmap=", "mounts[0] (/x): idmap without mappings needs a user "
					"namespace");
	expect_option_refused("idmap=uids=0-1",
			      "mounts[0] (/x): \"uids=0-1\" is no list of id ranges");
	expect_option_refused("ridmap=uids=0-1-1;gids=0-1-1#",
			      "mounts[0] (/x): \"uids=0-1-1;gids=0-1-1#\" is no list of id ranges");
	expect_option_refused("idmap=uids=0-1-99999999999",
			      "mounts[0] (/x): \"uids=0-1-99999999999\" is no list of id ranges");
	expect_option_refused("idmap=uids=0-1-1;gids=0-1-0",
			      "mounts[0] (/x): \"uids=0-1-1;gids=0-1-0\" is no list of id ranges");
	ck_assert_str_eq(err.hint, "it looks like uids=0-1000-10#20-2000-5;gids=0-1000-10");
}

TEST(refuses_half_a_mapping)
{
	struct oci_mount mount = {.options = OPTIONS("bind", "idmap"),
				  .uid_mappings = &thousand,
				  .uid_mappings_len = 1};

	expect_refused(mount, "mounts[0] (/x): gidMappings is missing");
	mount.gid_mappings = &(struct oci_id_mapping){0, UINT32_MAX, 1};
	mount.gid_mappings_len = 1;
	expect_refused(mount, "mounts[0] (/x): gidMappings: range 0 goes beyond the last id, "
			      "4294967294");
}

TEST(refuses_two_mappings)
{
	expect_refused((struct oci_mount){.options = OPTIONS("bind", "idmap=uids=0-1-1;gids=0-1-1"),
					  .uid_mappings = &thousand,
					  .uid_mappings_len = 1,
					  .gid_mappings = &thousand,
					  .gid_mappings_len = 1},
		       "mounts[0] (/x): there are mappings both in the option idmap and beside it");
}

TEST(refuses_to_map_a_mount_that_is_there)
{
	expect_refused((struct oci_mount){.options = OPTIONS("bind", "remount", "idmap")},
		       "mounts[0] (/x): the ids of a mount that is there can't be mapped anew");
}

TEST(needs_privileges)
{
	begin(MOUNTS({.destination = "/x",
		      .source = "host",
		      .options = OPTIONS("bind", "idmap=uids=0-1-1;gids=0-1-1")}));
	s.container.host_privileges = false;
	ck_assert_int_eq(scratch_prepare(&s, &err), -EPERM);
	ck_assert_ptr_nonnull(strstr(err.text, "mounts[0] (/x): map the ids of a "));
	ck_assert_str_eq(err.hint, "it takes CAP_SYS_ADMIN in the user namespace which the file "
				   "system belongs to, and a source that is not mapped yet");
	scratch_end(&s);
}

/* Who owns the root of the detached mount with this number. */
static uint32_t owner(size_t number)
{
	struct stat status = {0};

	ck_assert_int_eq(fstat(s.container.mounts[number].fd, &status), 0);
	return status.st_uid;
}

static void close_mounts(void)
{
	for (size_t i = 0; i < s.container.mounts_len; i++)
		if (s.container.mounts[i].fd >= 0)
			close(s.container.mounts[i].fd);
}

TEST(maps_bind_mounts_and_new_file_systems)
{
	if (geteuid() != 0)
		return;
	begin(MOUNTS({.destination = "/x",
		      .source = "host",
		      .options = OPTIONS("bind"),
		      .uid_mappings = &thousand,
		      .uid_mappings_len = 1,
		      .gid_mappings = &thousand,
		      .gid_mappings_len = 1},
		     {.destination = "/y",
		      .type = "tmpfs",
		      .options = OPTIONS("idmap=uids=0-7-1;gids=0-7-1")},
		     {.destination = "/z", .source = "host", .options = OPTIONS("bind")}));
	ck_assert_msg(scratch_prepare(&s, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(owner(0), 1000);
	ck_assert_uint_eq(owner(1), 7);
	ck_assert_uint_eq(owner(2), 0);
	/* What made the user namespaces is gone. */
	ck_assert_int_eq(waitpid(-1, NULL, __WALL), -1);
	ck_assert_int_eq(errno, ECHILD);
	close_mounts();
	scratch_end(&s);
}

TEST(cuts_relative_ranges_where_the_containers_own_are)
{
	struct id_range own[] = {{0, 100000, 2}, {2, 300000, 10}};
	struct oci_namespace namespaces[] = {{.type = "mount"}, {.type = "user"}};

	if (geteuid() != 0)
		return;
	begin(MOUNTS({.destination = "/x",
		      .source = "host",
		      .options = OPTIONS("bind", "idmap=uids=@0-1-5;gids=@0-0-1")}));
	s.properties.namespaces = namespaces;
	s.properties.namespaces_len = 2;
	s.container.new_namespaces = CLONE_NEWNS | CLONE_NEWUSER;
	s.container.uid_map = s.container.gid_map = (struct id_map){own, 2};
	ck_assert_int_eq(chown(host(&s, "host"), 1, 0), 0);
	ck_assert_msg(scratch_prepare(&s, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(owner(0), 300000);
	close_mounts();
	scratch_end(&s);
}

TEST(names_the_file_system_that_can_not_do_it)
{
	struct oci_mount mount = {.destination = "/x",
				  .source = "/proc",
				  .options = OPTIONS("rbind", "ridmap"),
				  .uid_mappings = &thousand,
				  .uid_mappings_len = 1,
				  .gid_mappings = &thousand,
				  .gid_mappings_len = 1};

	if (geteuid() != 0)
		return;
	begin(MOUNTS(mount));
	ck_assert_int_eq(scratch_prepare(&s, &err), -EINVAL);
	ck_assert_str_eq(err.text,
			 "mounts[0] (/x): map the ids of a proc file system: invalid argument");
	ck_assert_str_eq(err.hint, "the kernel can't do it with this type, or that of a mount "
				   "below it");
	scratch_end(&s);
}

RUN_TESTS("mount-idmap", refuses_what_is_no_list, refuses_half_a_mapping, refuses_two_mappings,
	  refuses_to_map_a_mount_that_is_there, needs_privileges,
	  maps_bind_mounts_and_new_file_systems, cuts_relative_ranges_where_the_containers_own_are,
	  names_the_file_system_that_can_not_do_it)
