#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "liar.h"
#include "linux/section.h"
#include "unit.h"

static struct error err;
static struct oci_user user;
static struct oci_process process = {.user = &user};
static struct oci_config config = {.process = &process};

static int validate(struct oci_user wanted)
{
	user = wanted;
	return section_user.validate(&config, &err);
}

TEST(accepts_ids_and_a_umask)
{
	uint32_t groups[] = {0, UINT32_MAX - 1};

	ck_assert_int_eq(section_user.validate(&(struct oci_config){0}, &err), 0);
	ck_assert_int_eq(validate((struct oci_user){
				 .uid = UINT32_MAX - 1,
				 .gid = 5,
				 .has_umask = true,
				 .umask = 0777,
				 .additional_gids = groups,
				 .additional_gids_len = 2,
			 }),
			 0);
}

/* setresuid(-1) changes nothing: the container would run as the runtime's user, root. */
TEST(rejects_the_id_that_changes_nothing)
{
	uint32_t groups[] = {UINT32_MAX};

	ck_assert_int_eq(validate((struct oci_user){.uid = UINT32_MAX}), -EINVAL);
	ck_assert_str_eq(err.text, "process.user.uid: 4294967295 is no id");
	ck_assert_int_eq(validate((struct oci_user){.gid = UINT32_MAX}), -EINVAL);
	ck_assert_str_eq(err.text, "process.user.gid: 4294967295 is no id");
	ck_assert_int_eq(validate((struct oci_user){
				 .additional_gids = groups,
				 .additional_gids_len = 1,
			 }),
			 -EINVAL);
	ck_assert_str_eq(err.text, "process.user.additionalGids: 4294967295 is no id");
}

TEST(rejects_a_umask_of_more_than_permissions)
{
	ck_assert_int_eq(validate((struct oci_user){.has_umask = true, .umask = 01000}), -EINVAL);
	ck_assert_str_eq(err.text, "process.user.umask: 01000 is not from 0 to 0777");
}

/* -- the user namespace ------------------------------------------------------------------------ */

static struct id_range thousand = {.inside = 0, .outside = 100000, .count = 1000};

static int prepare(struct oci_user wanted, bool deny_setgroups)
{
	struct container container = {
		.config = &config,
		.new_namespaces = CLONE_NEWUSER,
		.uid_map = {&thousand, 1},
		.gid_map = {&thousand, 1},
		.deny_setgroups = deny_setgroups,
	};

	user = wanted;
	return section_user.prepare(&container, &err);
}

TEST(accepts_ids_that_are_mapped)
{
	ck_assert_int_eq(prepare((struct oci_user){.uid = 999, .gid = 999}, false), 0);
}

TEST(rejects_ids_that_are_not_mapped)
{
	uint32_t groups[] = {1, 5000};

	ck_assert_int_eq(prepare((struct oci_user){.uid = 1000}, false), -EINVAL);
	ck_assert_str_eq(err.text, "process.user.uid: 1000 is not mapped in the container's user "
				   "namespace");
	ck_assert_str_eq(err.hint, "add it to linux.uidMappings");
	ck_assert_int_eq(prepare((struct oci_user){.gid = 1000}, false), -EINVAL);
	ck_assert_str_eq(err.text, "process.user.gid: 1000 is not mapped in the container's user "
				   "namespace");
	ck_assert_int_eq(
		prepare((struct oci_user){.additional_gids = groups, .additional_gids_len = 2},
			false),
		-EINVAL);
	ck_assert_str_eq(err.text, "process.user.additionalGids[1]: 5000 is not mapped in the "
				   "container's user namespace");
	ck_assert_str_eq(err.hint, "add it to linux.gidMappings");
}

TEST(rejects_groups_where_setgroups_is_denied)
{
	uint32_t groups[] = {1};
	struct oci_user wanted = {.additional_gids = groups, .additional_gids_len = 1};

	ck_assert_int_eq(prepare(wanted, true), -EINVAL);
	ck_assert_str_eq(err.text, "process.user.additionalGids: the container's user namespace "
				   "allows no change of groups");
	ck_assert_int_eq(prepare((struct oci_user){0}, true), 0);
}

/* -- init -------------------------------------------------------------------------------------- */

/* Becomes the user with the caller's groups 42 and 4; 1 if something is not as it should be. */
static int apply(void *context, struct error *e)
{
	static const gid_t callers[] = {42, 4};
	gid_t groups[16];
	int count;

	skip_unless(geteuid() == 0 && setgroups(2, callers) == 0);
	if (step_groups.apply(context, e) < 0 || step_user.apply(context, e) < 0)
		return -e->code;
	count = getgroups(16, groups);
	if (getuid() != user.uid || geteuid() != user.uid || getgid() != user.gid ||
	    getegid() != user.gid || umask(0) != (user.has_umask ? user.umask : 0022))
		return 1;
	if (config.annotations_len)
		return count != 2;
	return count != (int)user.additional_gids_len ||
	       (count && memcmp(groups, user.additional_gids, (size_t)count * sizeof(gid_t)) != 0);
}

static void expect_applied(struct oci_user wanted)
{
	uint32_t room[4];
	struct container container = {.config = &config, .groups = room};
	int r;

	user = wanted;
	r = in_child(apply, &container, &err);
	ck_assert_msg(r == 0 || r == CHILD_SKIPPED, "%d: %s", r, err.text);
}

TEST(becomes_the_user_and_leaves_none_of_the_callers_groups)
{
	uint32_t groups[] = {7, 4242};

	expect_applied((struct oci_user){.uid = 0, .gid = 0});
	expect_applied((struct oci_user){.uid = 1000, .gid = 1001});
	expect_applied((struct oci_user){
		.uid = 1000,
		.gid = 1001,
		.has_umask = true,
		.umask = 0,
		.additional_gids = groups,
		.additional_gids_len = 2,
	});
}

TEST(keeps_the_callers_groups_when_an_engine_asks_for_it)
{
	struct oci_pair annotation = {"run.oci.keep_original_groups", "1"};

	config.annotations = &annotation;
	config.annotations_len = 1;
	expect_applied((struct oci_user){.uid = 1000, .gid = 1001});
	config.annotations_len = 0;
}

/* -- calls that do nothing --------------------------------------------------------------------- */

static long lie;

static int apply_among_lies(void *context, struct error *e)
{
	static const gid_t callers[] = {42, 4};

	skip_unless(geteuid() == 0 && setgroups(2, callers) == 0);
	lie_about(lie, ANY_ARGUMENT);
	if (step_groups.apply(context, e) < 0 || step_user.apply(context, e) < 0)
		return -e->code;
	return 0;
}

static void expect_disbelief(long number, struct oci_user wanted, const char *text)
{
	uint32_t room[4];
	struct container container = {.config = &config, .groups = room};

	lie = number;
	user = wanted;
	expect_refused(apply_among_lies, &container, text, &err);
}

TEST(does_not_believe_a_call_that_does_nothing)
{
	static const char users[] = "process.user: it is not what was set";
	static const char groups[] = "process.user.additionalGids: they are not what was set";
	uint32_t others[] = {4, 43}, more[] = {4, 42, 7}, fewer[] = {42};

	expect_disbelief(SYS_setresuid, (struct oci_user){.uid = 1000}, users);
	expect_disbelief(SYS_setresgid, (struct oci_user){.gid = 1000}, users);
	expect_disbelief(SYS_setgroups, (struct oci_user){0}, groups);
	expect_disbelief(SYS_setgroups,
			 (struct oci_user){.additional_gids = others, .additional_gids_len = 2},
			 groups);
	expect_disbelief(SYS_setgroups,
			 (struct oci_user){.additional_gids = more, .additional_gids_len = 3},
			 groups);
	expect_disbelief(SYS_setgroups,
			 (struct oci_user){.additional_gids = fewer, .additional_gids_len = 1},
			 groups);
}

/* The kernel keeps them in an order of its own, and each as often as it was given. */
TEST(knows_the_groups_again_in_whatever_order)
{
	uint32_t groups[] = {9, 3, 7, 3, 1};
	uint32_t room[5];
	struct container container = {.config = &config, .groups = room};
	int r;

	user = (struct oci_user){.additional_gids = groups, .additional_gids_len = 5};
	lie = SYS_pivot_root; /* nobody calls it */
	r = in_child(apply_among_lies, &container, &err);
	ck_assert_msg(r == 0 || r == CHILD_SKIPPED, "%d: %s", r, err.text);
}

static uid_t owner_of(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 ? status.st_uid : UINT32_MAX;
}

/* Standard input is a pipe, standard output a socket, standard error /dev/null. */
static int give_streams(void *context, struct error *e)
{
	int pipes[2], sockets[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);
	uid_t owner = owner_of(null);

	skip_unless(geteuid() == 0 && pipe2(pipes, O_CLOEXEC) == 0);
	skip_unless(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0);
	dup2(pipes[0], 0);
	dup2(sockets[0], 1);
	dup2(null, 2);
	if (step_user.apply(context, e) < 0)
		return -e->code;
	return owner_of(0) != user.uid || owner_of(1) != user.uid || owner_of(2) != owner;
}

/* A file the caller was redirected to. */
static int leave_file(void *context, struct error *e)
{
	int file = open("/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

	skip_unless(geteuid() == 0 && file >= 0);
	dup2(file, 1);
	if (step_user.apply(context, e) < 0)
		return -e->code;
	return owner_of(1) == user.uid;
}

TEST(gives_the_streams_that_were_made_for_it_to_the_user)
{
	struct container container = {.config = &config};
	int r;

	user = (struct oci_user){.uid = 1000, .gid = 1000};
	r = in_child(give_streams, &container, &err);
	ck_assert_msg(r == 0 || r == CHILD_SKIPPED, "%d: %s", r, err.text);
	r = in_child(leave_file, &container, &err);
	ck_assert_msg(r == 0 || r == CHILD_SKIPPED, "%d: %s", r, err.text);
}

RUN_TESTS("user", accepts_ids_and_a_umask, rejects_the_id_that_changes_nothing,
	  rejects_a_umask_of_more_than_permissions, accepts_ids_that_are_mapped,
	  rejects_ids_that_are_not_mapped, rejects_groups_where_setgroups_is_denied,
	  becomes_the_user_and_leaves_none_of_the_callers_groups,
	  keeps_the_callers_groups_when_an_engine_asks_for_it,
	  does_not_believe_a_call_that_does_nothing, knows_the_groups_again_in_whatever_order,
	  gives_the_streams_that_were_made_for_it_to_the_user)
