#include <errno.h>

#include "basic/cleanup.h"
#include "linux/mounts.h"
#include "scratch.h"
#include "unit.h"

static struct scratch s;
static struct error err;

static void look_around(struct scratch *scratch)
{
	char cwd[64] = "";

	(void)scratch;
	report(&s, "cwd %s, marker %s, ", getcwd(cwd, sizeof(cwd)) ? cwd : "-", content("/marker"));
	report(&s, "host %s, ",
	       access("/work", F_OK) == 0 || access("/usr", F_OK) == 0 ? "seen" : "gone");
	report(&s, "root %s", flags_of("/"));
}

static void begin(void)
{
	scratch_begin(&s);
	put_file(host(&s, "rootfs/marker"), "here");
	s.look = look_around;
}

TEST(becomes_the_root)
{
	begin();
	scratch_expect(&s, "cwd /, marker here, host gone, root rw");
	scratch_end(&s);
}

TEST(becomes_the_root_in_a_user_namespace)
{
	begin();
	s.namespaces |= CLONE_NEWUSER;
	scratch_expect(&s, "cwd /, marker here, host gone, root rw");
	scratch_end(&s);
}

TEST(becomes_the_root_without_any_privilege_of_the_runtime)
{
	begin();
	s.namespaces |= CLONE_NEWUSER;
	s.container.host_privileges = false;
	scratch_expect(&s, "cwd /, marker here, host gone, root rw");
	scratch_end(&s);
}

TEST(becomes_the_root_after_the_mounts_when_hooks_want_it)
{
	begin();
	s.late_pivot = true;
	set_mounts(&s, MOUNTS(PROC));
	scratch_expect(&s, "cwd /, marker here, host gone, root rw");
	scratch_end(&s);
}

TEST(becomes_the_root_without_pivot_root)
{
	begin();
	s.container.no_pivot = true;
	scratch_expect(&s, "cwd /, marker here, host gone, root rw");
	scratch_end(&s);
}

TEST(becomes_read_only)
{
	begin();
	s.root.readonly = true;
	scratch_expect(&s, "cwd /, marker here, host gone, root ro");
	scratch_end(&s);
}

static void make_unsearchable(struct scratch *scratch)
{
	(void)scratch;
	if (chmod(s.path, 0) < 0)
		abort();
}

TEST(does_not_need_the_way_to_it_once_it_is_open)
{
	if (geteuid() != 0)
		return;
	begin();
	s.before_attach = make_unsearchable;
	s.namespaces |= CLONE_NEWUSER;
	scratch_expect(&s, "cwd /, marker here, host gone, root rw");
	chmod(s.path, 0755);
	scratch_end(&s);
}

static void exchange_root(struct scratch *scratch)
{
	(void)scratch;
	if (rename(s.rootfs, host(&s, "away")) < 0 || symlink("/", s.rootfs) < 0)
		abort();
}

/* A6, A10: what was opened counts, whatever its name leads to later. */
TEST(is_not_fooled_by_a_link_put_in_its_place)
{
	if (geteuid() != 0)
		return;
	begin();
	s.before_attach = exchange_root;
	scratch_expect(&s, "cwd /, marker here, host gone, root rw");
	scratch_end(&s);
}

TEST(notices_when_it_is_exchanged)
{
	char expected[128];

	begin();
	s.container.host_privileges = false;
	s.before_attach = exchange_root;
	snprintf(expected, sizeof(expected), "root.path: %s was exchanged in the meantime",
		 s.rootfs);
	scratch_expect_error(&s, expected);
	scratch_end(&s);
}

static int child_without_namespace(void *context, struct error *e)
{
	const char *const destinations[] = {"/proc", "/tmp", "/not/there", "/etc"};
	struct statfs status;
	char proc[128];

	enter_namespaces(s.namespaces);
	snprintf(proc, sizeof(proc), "%s/proc", s.rootfs);
	if (fork() == 0) {
		struct error unheard = {0};

		s.namespaces = 0;
		_exit(scratch_child(context, &unheard) < 0);
	}
	wait(NULL);
	s.report = e;
	report(&s, "proc %s, ", type_of(proc) == 0x9fa0 ? "mounted" : "missing");
	if (mounts_detach(s.rootfs, destinations, 4, e) < 0)
		return -e->code;
	report(&s, "%s", statfs(proc, &status) == 0 && status.f_type != 0x9fa0 ? "gone" : "left");
	return 0;
}

/* The caller's mount namespace, here a new one so that nothing stays behind if it goes wrong. */
TEST(is_a_chroot_without_a_mount_namespace_and_leaves_no_mounts)
{
	int r;

	begin();
	s.properties.namespaces_len = 0;
	s.container.joined_namespaces = CLONE_NEWUTS;
	set_mounts(&s, MOUNTS(PROC, {.destination = "/tmp", .type = "tmpfs"}));
	s.namespaces |= CLONE_NEWPID;
	memset(&err, 0, sizeof(err));
	ck_assert_msg(scratch_prepare(&s, &err) == 0, "%s", err.text);
	r = in_child(child_without_namespace, &s, &err);
	if (r != CHILD_SKIPPED && geteuid() == 0)
		ck_assert_str_eq(err.text, "proc mounted, gone");
	scratch_end(&s);
}

static void expect_refused(const char *expected)
{
	ck_assert_int_lt(scratch_prepare(&s, &err), 0);
	ck_assert_str_eq(err.text, expected);
	scratch_end(&s);
}

TEST(says_that_it_does_not_exist)
{
	char expected[128];

	begin();
	s.root.path = "nowhere";
	snprintf(expected, sizeof(expected), "root.path: %s/nowhere does not exist", s.path);
	expect_refused(expected);
}

TEST(says_that_it_is_no_directory)
{
	char expected[128];

	begin();
	s.root.path = "rootfs/marker";
	snprintf(expected, sizeof(expected), "root.path: %s/rootfs/marker is not a directory",
		 s.path);
	expect_refused(expected);
}

TEST(can_not_be_read_only_in_the_hosts_mount_namespace)
{
	begin();
	s.properties.namespaces_len = 0;
	s.root.readonly = true;
	expect_refused("root.readonly needs a new mount namespace");
}

TEST(must_be_there)
{
	begin();
	s.config.root = NULL;
	expect_refused("root is missing");
}

static void look_at_new_root(struct scratch *scratch)
{
	(void)scratch;
	report(&s, "%s %s", content("/other"), flags_of("/"));
}

TEST(is_replaced_by_a_mount_on_it)
{
	begin();
	put_file(host(&s, "host/other"), "other");
	set_mounts(
		&s,
		MOUNTS({.destination = "/", .source = "host", .options = OPTIONS("bind", "ro")}));
	s.look = look_at_new_root;
	scratch_expect(&s, "other ro");
	scratch_end(&s);
}

RUN_TESTS("root", becomes_the_root, becomes_the_root_in_a_user_namespace,
	  becomes_the_root_without_any_privilege_of_the_runtime,
	  becomes_the_root_after_the_mounts_when_hooks_want_it, becomes_the_root_without_pivot_root,
	  becomes_read_only, does_not_need_the_way_to_it_once_it_is_open,
	  is_not_fooled_by_a_link_put_in_its_place, notices_when_it_is_exchanged,
	  is_a_chroot_without_a_mount_namespace_and_leaves_no_mounts, says_that_it_does_not_exist,
	  says_that_it_is_no_directory, can_not_be_read_only_in_the_hosts_mount_namespace,
	  must_be_there, is_replaced_by_a_mount_on_it)
