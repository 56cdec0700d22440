#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>

#include "basic/file.h"
#include "child.h"
#include "linux/section.h"
#include "unit.h"

static struct error err;
static struct arena arena;
static struct oci_namespace namespaces[] = {{"ipc", NULL}, {"network", NULL}, {"uts", NULL}};
static struct oci_pair setting;
static struct oci_linux properties = {
	.namespaces = namespaces,
	.namespaces_len = 3,
	.sysctl = &setting,
	.sysctl_len = 1,
};
static const struct oci_config config = {.linux = &properties, .domainname = "here"};

static int validate(const char *name, const char *value)
{
	setting = (struct oci_pair){.key = name, .value = value};
	return section_sysctl.validate(&config, &err);
}

static void expect_rejected(const char *name, const char *value, const char *why)
{
	ck_assert_int_eq(validate(name, value), -EINVAL);
	ck_assert_str_eq(err.text, why);
}

/* The path that name becomes. */
static const char *path_of(const char *name)
{
	struct container container = {
		.config = &config,
		.arena = &arena,
		.new_namespaces = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS,
	};

	if (!arena.start)
		ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	ck_assert_msg(validate(name, "1") == 0, "%s", err.text);
	ck_assert_int_eq(section_sysctl.prepare(&container, &err), 0);
	ck_assert_uint_eq(container.sysctls_len, 1);
	return container.sysctls[0].key;
}

TEST(takes_the_first_separator_for_the_separator)
{
	ck_assert_str_eq(path_of("net.ipv4.ip_forward"), "sys/net/ipv4/ip_forward");
	ck_assert_str_eq(path_of("net/ipv4/ip_forward"), "sys/net/ipv4/ip_forward");
	ck_assert_str_eq(path_of("net/ipv4/conf/eth0.100/forwarding"),
			 "sys/net/ipv4/conf/eth0.100/forwarding");
	ck_assert_str_eq(path_of("net.ipv4.conf.eth0/100.forwarding"),
			 "sys/net/ipv4/conf/eth0.100/forwarding");
}

TEST(accepts_what_belongs_to_the_containers_namespaces)
{
	static const char *const names[] = {
		"kernel.msgmax",     "kernel.sem",	   "kernel.shm_rmid_forced",
		"fs.mqueue.msg_max", "net.core.somaxconn",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_msg(validate(names[i], "1\t2 3") == 0, "%s", err.text);
	ck_assert_int_eq(validate("kernel.domainname", "here"), 0);
}

TEST(rejects_what_is_the_hosts)
{
	expect_rejected("vm.swappiness", "1",
			"linux.sysctl[\"vm.swappiness\"]: no namespace has such a setting");
	expect_rejected("user.max_user_namespaces", "1",
			"linux.sysctl[\"user.max_user_namespaces\"]: the container shares the "
			"host's user namespace");
	ck_assert_str_eq(err.hint, "add {\"type\": \"user\"} to linux.namespaces");
	ck_assert_int_eq(validate("kernel.semx", "1"), -EINVAL);
	ck_assert_int_eq(validate("kernel.core_pattern", "1"), -EINVAL);
	ck_assert_int_eq(validate("net", "1"), -EINVAL);
	ck_assert_int_eq(validate("kernel.msgmax.x", "1"), -EINVAL);
}

TEST(rejects_names_that_lead_elsewhere)
{
	static const char *const names[] = {
		"",
		"net/../vm/x",
		"net.../vm/x",
		"fs.mqueue/../../vm/x",
		"fs/mqueue/../../vm/x",
		"net/",
		"/net/x",
		".net.x",
		"net//x",
		"net/./x",
		"net..x",
		"net/x\n",
		"net.x+\x01",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_msg(validate(names[i], "1") == -EINVAL, "\"%s\" was accepted", names[i]);
	expect_rejected("net/../vm/x", "1",
			"linux.sysctl[\"net/../vm/x\"]: this is no setting's name");
}

TEST(rejects_a_value_of_two_lines)
{
	expect_rejected("net.core.somaxconn", "1\n2",
			"linux.sysctl[\"net.core.somaxconn\"]: its value has a control character "
			"in it");
}

TEST(rejects_names_that_have_a_property_of_their_own)
{
	expect_rejected("kernel.hostname", "box",
			"linux.sysctl[\"kernel.hostname\"]: the host name is not set here");
	ck_assert_str_eq(err.hint, "use the property hostname");
	expect_rejected("kernel.domainname", "there",
			"linux.sysctl[\"kernel.domainname\"]: domainname is \"here\" already");
}

TEST(rejects_to_join_the_hosts_namespace_and_set_it_there)
{
	struct container container = {.config = &config, .new_namespaces = CLONE_NEWIPC};

	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	container.arena = &arena;
	ck_assert_int_eq(validate("net.core.somaxconn", "1"), 0);
	ck_assert_int_eq(section_sysctl.prepare(&container, &err), -EINVAL);
	ck_assert_str_eq(err.text, "linux.sysctl[\"net.core.somaxconn\"]: the network namespace to "
				   "join is the runtime's own");
}

static int apply(void *context, struct error *e)
{
	struct container *container = context;
	char value[32];

	skip_unless(unshare(CLONE_NEWIPC) == 0);
	if (step_sysctl.apply(container, e) < 0)
		return -e->code;
	file_read_small(container->proc_fd, "sys/kernel/msgmax", value, sizeof(value));
	return strcmp(value, "4321\n");
}

static int apply_one(const char *path, const char *value)
{
	struct oci_pair one = {path, value};
	struct container container = {
		.sysctls = &one,
		.sysctls_len = 1,
		.proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
	};

	return in_child(apply, &container, &err);
}

TEST(writes_it_in_the_containers_namespace)
{
	int r = apply_one("sys/kernel/msgmax", "4321");

	ck_assert_msg(r == 0 || r == CHILD_SKIPPED, "%s", err.text);
}

TEST(tells_which_setting_was_refused)
{
	if (apply_one("sys/kernel/msgmax", "many") == CHILD_SKIPPED)
		return;
	ck_assert_str_eq(err.text, "linux.sysctl: /proc/sys/kernel/msgmax: set it to \"many\": "
				   "invalid argument");
	apply_one("sys/kernel/msgmaxx", "1");
	ck_assert_str_eq(err.text,
			 "linux.sysctl: /proc/sys/kernel/msgmaxx: this kernel has no such setting");
}

TEST(never_leaves_proc)
{
	static const char *const paths[] = {"../tmp/x", "self/root/tmp/x", "self/cwd/x"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		ck_assert_int_ne(apply_one(paths[i], "1"), 0);
}

RUN_TESTS("sysctl", takes_the_first_separator_for_the_separator,
	  accepts_what_belongs_to_the_containers_namespaces, rejects_what_is_the_hosts,
	  rejects_names_that_lead_elsewhere, rejects_a_value_of_two_lines,
	  rejects_names_that_have_a_property_of_their_own,
	  rejects_to_join_the_hosts_namespace_and_set_it_there,
	  writes_it_in_the_containers_namespace, tells_which_setting_was_refused, never_leaves_proc)
