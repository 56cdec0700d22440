#include "linux/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "linux/section.h"
#include "unit.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static struct error err;
static struct container container;

/* The plan for these namespaces; the last one is {NULL}. */
static struct container *with_namespaces(struct oci_namespace *namespaces)
{
	static struct oci_linux properties;
	static struct oci_config config = {.linux = &properties};

	properties = (struct oci_linux){.namespaces = namespaces};
	while (namespaces[properties.namespaces_len].type)
		properties.namespaces_len++;
	container = (struct container){.config = &config, .host_privileges = true};
	return &container;
}

#define NAMESPACES(...) with_namespaces((struct oci_namespace[]){__VA_ARGS__, {NULL, NULL}})

static int validate(const struct container *what)
{
	return section_namespaces.validate(what->config, &err);
}

static int prepare(struct container *what)
{
	ck_assert_msg(validate(what) == 0, "%s", err.text);
	return section_namespaces.prepare(what, &err);
}

static void expect_rejected(const struct container *what, const char *why)
{
	ck_assert_int_eq(validate(what), -EINVAL);
	ck_assert_str_eq(err.text, why);
}

/* -- validate ---------------------------------------------------------------------------------- */

TEST(accepts_each_type_new_or_by_path)
{
	ck_assert_int_eq(validate(NAMESPACES({"cgroup", NULL}, {"ipc", NULL}, {"mount", ""},
					     {"network", "/run/netns/a"}, {"pid", NULL},
					     {"time", NULL}, {"user", NULL}, {"uts", NULL})),
			 0);
	ck_assert_int_eq(section_namespaces.validate(&(struct oci_config){0}, &err), 0);
}

TEST(rejects_an_unknown_type)
{
	expect_rejected(NAMESPACES({"pid", NULL}, {"net", NULL}),
			"linux.namespaces[1]: unknown type \"net\"");
	ck_assert_str_eq(err.hint,
			 "the types are cgroup, ipc, mount, network, pid, time, user and uts");
	expect_rejected(NAMESPACES({"", NULL}), "linux.namespaces[0]: unknown type \"\"");
}

/* The specification asks for an error. */
TEST(rejects_a_type_given_twice)
{
	expect_rejected(NAMESPACES({"uts", NULL}, {"pid", NULL}, {"uts", "/proc/1/ns/uts"}),
			"linux.namespaces[2]: uts is given twice");
}

TEST(rejects_a_relative_path)
{
	expect_rejected(NAMESPACES({"uts", "ns/uts"}),
			"linux.namespaces[0]: path \"ns/uts\" is not absolute");
}

TEST(knows_what_the_container_has)
{
	const struct oci_config *config = NAMESPACES({"uts", NULL}, {"pid", "/x"})->config;

	ck_assert(namespace_has(config, "uts"));
	ck_assert(namespace_has(config, "pid"));
	ck_assert(!namespace_has(config, "user"));
	ck_assert(!namespace_has(&(struct oci_config){0}, "uts"));
}

/* -- prepare ----------------------------------------------------------------------------------- */

TEST(plans_new_ones)
{
	ck_assert_int_eq(prepare(NAMESPACES({"mount", NULL}, {"uts", ""})), 0);
	ck_assert_int_eq(container.new_namespaces, CLONE_NEWNS | CLONE_NEWUTS);
	ck_assert_int_eq(container.joined_namespaces, 0);
	ck_assert_int_eq(container.namespaces[0].flag, CLONE_NEWNS);
	ck_assert_int_eq(container.namespaces[0].fd, -1);
	ck_assert_int_eq(container.namespaces[1].flag, CLONE_NEWUTS);
	ck_assert_int_eq(container.namespaces[1].fd, -1);
	ck_assert_int_eq(container.namespaces[2].flag, 0);
}

TEST(has_room_for_all_kinds_at_once)
{
	struct container *plan =
		NAMESPACES({"cgroup", NULL}, {"ipc", NULL}, {"mount", NULL}, {"network", NULL},
			   {"pid", NULL}, {"time", NULL}, {"uts", NULL});

	plan->host_privileges = false; /* so there is a user namespace too */
	ck_assert_int_eq(prepare(plan), 0);
	ck_assert_int_eq(container.namespaces[7].flag, CLONE_NEWUSER);
	ck_assert_int_eq(container.namespaces[8].flag, 0);
}

/* Engines write the host's namespace like that; joining it would take privileges for nothing. */
TEST(skips_the_runtimes_own)
{
	ck_assert_int_eq(
		prepare(NAMESPACES({"network", "/proc/self/ns/net"}, {"ipc", NULL},
				   {"pid", "/proc/self/ns/pid"}, {"user", "/proc/self/ns/user"})),
		0);
	ck_assert_int_eq(container.joined_namespaces, 0);
	ck_assert_int_eq(container.new_namespaces, CLONE_NEWIPC);
	ck_assert_int_eq(container.namespaces[0].flag, CLONE_NEWIPC);
	ck_assert_int_eq(container.namespaces[1].flag, 0);
	ck_assert(!container.staged);
}

TEST(refuses_a_namespace_of_another_type)
{
	ck_assert_int_eq(prepare(NAMESPACES({"network", "/proc/self/ns/uts"})), -EINVAL);
	ck_assert_str_eq(err.text,
			 "linux.namespaces[0]: /proc/self/ns/uts is of type uts, not network");
	ck_assert_int_eq(prepare(NAMESPACES({"uts", NULL}, {"user", "/proc/self/ns/mnt"})),
			 -EINVAL);
	ck_assert_str_eq(err.text,
			 "linux.namespaces[1]: /proc/self/ns/mnt is of type mount, not user");
}

TEST(refuses_what_is_no_namespace)
{
	char fifo[] = "/tmp/proa-test-fifo-XXXXXX", why[128];

	ck_assert_int_eq(prepare(NAMESPACES({"uts", "/dev/null"})), -EINVAL);
	ck_assert_str_eq(err.text, "linux.namespaces[0]: /dev/null is not a namespace");
	ck_assert_int_eq(prepare(NAMESPACES({"uts", "/proc/self/stat"})), -EINVAL);
	ck_assert_str_eq(err.text, "linux.namespaces[0]: /proc/self/stat is not a namespace");
	ck_assert_int_eq(prepare(NAMESPACES({"uts", "/"})), -EINVAL);
	ck_assert_str_eq(err.text, "linux.namespaces[0]: / is not a namespace");
	close(mkstemp(fifo));
	unlink(fifo);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	snprintf(why, sizeof(why), "linux.namespaces[0]: %s is not a namespace", fifo);
	ck_assert_int_eq(prepare(NAMESPACES({"uts", fifo})), -EINVAL);
	ck_assert_str_eq(err.text, why);
	unlink(fifo);
}

TEST(tells_of_a_namespace_that_is_not_there)
{
	ck_assert_int_eq(prepare(NAMESPACES({"pid", NULL}, {"uts", "/run/none"})), -ENOENT);
	ck_assert_str_eq(err.text,
			 "linux.namespaces[1]: open /run/none: no such file or directory");
}

TEST(gives_a_plain_user_a_user_namespace)
{
	NAMESPACES({"pid", NULL})->host_privileges = false;
	ck_assert_int_eq(prepare(&container), 0);
	ck_assert_int_eq(container.new_namespaces, CLONE_NEWPID | CLONE_NEWUSER);
	ck_assert_int_eq(container.namespaces[1].flag, CLONE_NEWUSER);
	ck_assert_int_eq(container.namespaces[1].fd, -1);
	ck_assert_int_eq(container.namespaces[2].flag, 0);

	NAMESPACES({"user", NULL})->host_privileges = false;
	ck_assert_int_eq(prepare(&container), 0);
	ck_assert_int_eq(container.namespaces[0].flag, CLONE_NEWUSER);
	ck_assert_int_eq(container.namespaces[1].flag, 0);

	/* His own is the host's: there he has no privileges. */
	NAMESPACES({"user", "/proc/self/ns/user"})->host_privileges = false;
	ck_assert_int_eq(prepare(&container), 0);
	ck_assert_int_eq(container.new_namespaces, CLONE_NEWUSER);

	container = (struct container){.config = &(struct oci_config){0}};
	ck_assert_int_eq(section_namespaces.prepare(&container, &err), 0);
	ck_assert_int_eq(container.new_namespaces, CLONE_NEWUSER);
}

/* -- another's --------------------------------------------------------------------------------- */

/* The namespace that it was in before, by a path through its own fd. */
static int plan_a_joined_one(void *context, struct error *e)
{
	int own = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	char by_fd[32];

	(void)context;
	skip_unless(unshare(CLONE_NEWUTS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWUTS) == 0);
	snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", own);
	if (prepare(NAMESPACES({"ipc", NULL}, {"uts", by_fd})) < 0) {
		*e = err;
		return -e->code;
	}
	if (container.joined_namespaces != CLONE_NEWUTS || container.namespaces[1].fd < 0)
		return error_config(e, "it is not to be joined");
	if (strcmp(container.namespaces[1].path, by_fd) != 0)
		return error_config(e, "its path is %s", container.namespaces[1].path);
	if (fcntl(container.namespaces[1].fd, F_GETFD) != FD_CLOEXEC)
		return error_config(e, "it is inherited");
	return 0;
}

TEST(opens_one_that_is_not_its_own)
{
	int r = in_child(plan_a_joined_one, NULL, &err);

	ck_assert_msg(r == 0 || r == CHILD_SKIPPED, "%s", err.text);
}

static ino_t own_uts(void)
{
	struct stat status = {0};

	(void)stat("/proc/self/ns/uts", &status);
	return status.st_ino;
}

/* Goes away and comes back. */
static int join_back(void *context, struct error *e)
{
	ino_t before = own_uts();
	struct container here = {.namespaces = {{.flag = CLONE_NEWUTS, .path = "/the/old/one"}}};

	(void)context;
	here.namespaces[0].fd = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	skip_unless(unshare(CLONE_NEWUTS) == 0);
	if (own_uts() == before)
		return error_config(e, "it did not go away");
	if (namespaces_join(&here, true, e) < 0)
		return -e->code;
	if (own_uts() != before || here.namespaces[0].fd != -1)
		return error_config(e, "it is not back");
	return namespaces_join(&here, true, e);
}

TEST(joins_once)
{
	int r = in_child(join_back, NULL, &err);

	ck_assert_msg(r == 0 || r == CHILD_SKIPPED, "%s", err.text);
	if (r == CHILD_SKIPPED)
		printf("skipped: only root joins another namespace at once\n");
}

/* The host's belongs to the host's user namespace, in which this child has no rights. */
static int join_without_rights(void *context, struct error *e)
{
	struct container here = {.namespaces = {{.flag = CLONE_NEWUTS, .path = "/the/hosts"}}};
	const bool *last = context;

	here.namespaces[0].fd = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	skip_unless(unshare(CLONE_NEWUSER) == 0);
	if (namespaces_join(&here, *last, e) < 0)
		return -e->code;
	return here.namespaces[0].fd >= 0 ? 1 : 0;
}

TEST(leaves_what_it_may_not_join_yet_for_later)
{
	bool last = false;
	int r = in_child(join_without_rights, &last, &err);

	ck_assert_msg(r == 1 || r == CHILD_SKIPPED, "%s", err.text);
	last = true;
	r = in_child(join_without_rights, &last, &err);
	if (r == CHILD_SKIPPED)
		return;
	ck_assert_int_eq(r, -EPERM);
	ck_assert_str_eq(err.text, "join the uts namespace /the/hosts: operation not permitted");
	ck_assert_str_eq(err.hint,
			 "joining takes CAP_SYS_ADMIN in the user namespace that owns it");
}

static int make_some(void *context, struct error *e)
{
	struct container here = {.new_namespaces = CLONE_NEWUSER | CLONE_NEWUTS};
	ino_t before = own_uts();

	(void)context;
	if (namespaces_make(&here, 0, e) < 0 || own_uts() != before)
		return error_config(e, "none was asked for");
	if (namespaces_make(&here, CLONE_NEWIPC, e) < 0)
		return error_config(e, "none is to be new");
	skip_unless(unshare(CLONE_NEWUSER) == 0);
	if (namespaces_make(&here, ~CLONE_NEWUSER, e) < 0)
		return -e->code;
	return own_uts() == before;
}

TEST(makes_those_that_are_new_and_asked_for)
{
	int r = in_child(make_some, NULL, &err);

	ck_assert_msg(r == 0 || r == CHILD_SKIPPED, "%s", err.text);
}

/* -- the stage --------------------------------------------------------------------------------- */

static const struct {
	int new, joined; /* CLONE_NEW* */
	bool staged;
	int at_clone;
} decisions[] = {
	{0, 0, false, 0},
	{CLONE_NEWUTS | CLONE_NEWNS, 0, false, 0},
	{CLONE_NEWNS, CLONE_NEWNET | CLONE_NEWIPC, false, 0}, /* init joins them itself */
	{CLONE_NEWPID, 0, false, CLONE_NEWPID},
	{CLONE_NEWPID, CLONE_NEWNET, false, CLONE_NEWPID},
	{CLONE_NEWUSER, 0, false, CLONE_NEWUSER},
	{CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWUTS, 0, false, CLONE_NEWUSER | CLONE_NEWPID},
	{0, CLONE_NEWTIME, false, 0},

	/* Those that concern the next child alone. */
	{0, CLONE_NEWPID, true, 0},
	{CLONE_NEWTIME, 0, true, 0},
	{CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWTIME, 0, true, 0},

	/* The host's is joined before a user namespace is made. */
	{CLONE_NEWUSER, CLONE_NEWNET, true, 0},
	{CLONE_NEWUSER | CLONE_NEWPID, CLONE_NEWUTS, true, 0},
	{CLONE_NEWUSER, CLONE_NEWPID, true, 0},

	/* A user namespace is joined before what is to be made in it. */
	{0, CLONE_NEWUSER, true, 0},
	{CLONE_NEWPID, CLONE_NEWUSER, true, 0},
	{CLONE_NEWNS, CLONE_NEWUSER | CLONE_NEWNET, true, 0},
};

static const struct {
	int flag;
	const char *type;
} kinds[] = {
	{CLONE_NEWCGROUP, "cgroup"}, {CLONE_NEWIPC, "ipc"}, {CLONE_NEWNS, "mount"},
	{CLONE_NEWNET, "network"},   {CLONE_NEWPID, "pid"}, {CLONE_NEWTIME, "time"},
	{CLONE_NEWUSER, "user"},     {CLONE_NEWUTS, "uts"},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* Root's plan for these; joined ones are told as if they had been opened. */
static void decide(int new, int joined)
{
	struct oci_namespace namespaces[KINDS + 1] = {{NULL, NULL}};
	size_t count = 0;

	for (size_t i = 0; i < KINDS; i++)
		if (new &kinds[i].flag)
			namespaces[count++].type = kinds[i].type;
	with_namespaces(namespaces)->joined_namespaces = joined;
	ck_assert_int_eq(prepare(&container), 0);
	ck_assert_int_eq(container.new_namespaces, new);
}

TEST(takes_a_stage_where_one_clone_is_not_enough)
{
	for (size_t i = 0; i < sizeof(decisions) / sizeof(decisions[0]); i++) {
		decide(decisions[i].new, decisions[i].joined);
		ck_assert_msg(container.staged == decisions[i].staged, "row %zu", i);
		ck_assert_msg(namespaces_at_clone(&container) == decisions[i].at_clone, "row %zu",
			      i);
	}
}

TEST(takes_a_stage_for_a_plain_user_who_joins)
{
	NAMESPACES({"uts", NULL})->joined_namespaces = CLONE_NEWNET;
	container.host_privileges = false;
	ck_assert_int_eq(prepare(&container), 0);
	ck_assert(container.staged);

	NAMESPACES({"uts", NULL})->host_privileges = false;
	ck_assert_int_eq(prepare(&container), 0);
	ck_assert(!container.staged);
	ck_assert_int_eq(namespaces_at_clone(&container), CLONE_NEWUSER);
}

RUN_TESTS("namespaces", accepts_each_type_new_or_by_path, rejects_an_unknown_type,
	  rejects_a_type_given_twice, rejects_a_relative_path, knows_what_the_container_has,
	  plans_new_ones, has_room_for_all_kinds_at_once, skips_the_runtimes_own,
	  refuses_a_namespace_of_another_type, refuses_what_is_no_namespace,
	  tells_of_a_namespace_that_is_not_there, gives_a_plain_user_a_user_namespace,
	  opens_one_that_is_not_its_own, joins_once, leaves_what_it_may_not_join_yet_for_later,
	  makes_those_that_are_new_and_asked_for, takes_a_stage_where_one_clone_is_not_enough,
	  takes_a_stage_for_a_plain_user_who_joins)
