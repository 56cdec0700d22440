#include "linux/net-devices.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "child.h"
#include "linux/section.h"
#include "unit.h"

static struct error err;
static struct oci_namespace network = {.type = "network"};
static struct oci_net_device_entry devices[3];
static struct oci_linux properties;
static const struct oci_config config = {.linux = &properties};

/* The devices of the host, each with its name in the container; NULL ends them. */
static void begin(const char *const names[][2])
{
	properties = (struct oci_linux){
		.namespaces = &network,
		.namespaces_len = 1,
		.net_devices = devices,
	};
	for (size_t i = 0; names[i][0]; i++)
		devices[properties.net_devices_len++] =
			(struct oci_net_device_entry){.key = names[i][0], .value = {names[i][1]}};
	err = (struct error){0};
}

#define BEGIN(...) begin((const char *const[][2]){__VA_ARGS__, {NULL, NULL}})

static void expect_accepted(void)
{
	ck_assert_msg(section_net_devices.validate(&config, &err) == 0, "%s", err.text);
}

static void expect_rejected(const char *why)
{
	ck_assert_int_eq(section_net_devices.validate(&config, &err), -EINVAL);
	ck_assert_str_eq(err.text, why);
}

TEST(accepts_names_and_templates)
{
	BEGIN({"eth0", NULL}, {"eth1", ""}, {"ens0", "a-long-name-012"});
	expect_accepted();
	BEGIN({"eth0", "net%d"}, {"eth1", "net%d"}, {"eth2", "%d"});
	expect_accepted();
	BEGIN({"eth0", "eth1"}, {"eth1", "eth0"});
	expect_accepted();
	ck_assert_int_eq(section_net_devices.validate(&(struct oci_config){0}, &err), 0);
}

static void expect_bad_name(const char *name)
{
	char text[128];

	BEGIN({"eth0", name});
	snprintf(text, sizeof(text),
		 "linux.netDevices[\"eth0\"]: name \"%s\" is no name of a network device", name);
	expect_rejected(text);
	ck_assert_str_eq(err.hint, "it has 1 to 15 letters, none of them \"/\", \":\" or white "
				   "space, and may have %d where the kernel puts a number");
}

TEST(rejects_what_the_kernel_takes_for_no_name)
{
	expect_bad_name(".");
	expect_bad_name("..");
	expect_bad_name("a/b");
	expect_bad_name("a:b");
	expect_bad_name("a b");
	expect_bad_name("a\tb");
	expect_bad_name("a-name-of-16-let");
	expect_bad_name("eth%s");
	expect_bad_name("eth%");
	expect_bad_name("%d%d");
	expect_bad_name("%%d");
	BEGIN({"../x", "eth0"});
	expect_rejected("linux.netDevices[\"../x\"]: this is no name of a network device");
	BEGIN({"eth%d", "eth0"});
	expect_rejected("linux.netDevices[\"eth%d\"]: this is no name of a network device");
	BEGIN({"", "eth0"});
	expect_rejected("linux.netDevices[\"\"]: this is no name of a network device");
}

TEST(rejects_two_devices_of_one_name)
{
	BEGIN({"eth0", "net0"}, {"eth1", "net0"});
	expect_rejected(
		"linux.netDevices[\"eth1\"]: linux.netDevices[\"eth0\"] is called \"net0\", too");
	BEGIN({"eth0", "eth1"}, {"eth1", NULL});
	expect_rejected(
		"linux.netDevices[\"eth1\"]: linux.netDevices[\"eth0\"] is called \"eth1\", too");
}

TEST(rejects_devices_without_a_namespace_to_move_them_to)
{
	struct container container = {.config = &config};

	BEGIN({"eth0", NULL});
	properties.namespaces_len = 0;
	expect_rejected("linux.netDevices: the container shares the host's network namespace");
	/* One with a path that turned out to be the runtime's own is not in the plan. */
	ck_assert_int_eq(section_net_devices.prepare(&container, &err), -EINVAL);
	ck_assert_str_eq(err.text, "linux.netDevices: the network namespace to join is the "
				   "runtime's own");
}

TEST(looks_for_the_devices_before_anything_is_made)
{
	struct container container = {.config = &config, .new_namespaces = CLONE_NEWNET};

	BEGIN({"lo", NULL});
	ck_assert_int_eq(section_net_devices.prepare(&container, &err), 0);
	BEGIN({"no-such-dev", NULL});
	ck_assert_int_eq(section_net_devices.prepare(&container, &err), -ENODEV);
	ck_assert_str_eq(err.text, "linux.netDevices[\"no-such-dev\"]: find it on the host: "
				   "no such device");
}

/* -- moving, between two namespaces of the test's own ------------------------------------------- */

static struct arena arena;
static struct container container = {.config = &config, .arena = &arena};
static int inside, outside;

static void shell(const char *command)
{
	skip_unless(system(command) == 0);
}

static void enter(int namespace)
{
	skip_unless(setns(namespace, CLONE_NEWNET) == 0);
}

static int new_namespace(void)
{
	skip_unless(unshare(CLONE_NEWNET) == 0);
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

static void make_namespaces(void)
{
	skip_unless(geteuid() == 0 && arena_open_private(&arena, &err) == 0);
	inside = new_namespace();
	outside = new_namespace();
	shell("ip link add left type veth peer name right 2>/dev/null");
	shell("ip link set left up && ip addr add 10.1.2.3/24 dev left");
}

static bool exists(int namespace, const char *name)
{
	enter(namespace);
	return if_nametoindex(name) != 0;
}

static bool says(int namespace, const char *command)
{
	enter(namespace);
	return system(command) == 0;
}

static int move_and_return(void *context, struct error *e)
{
	struct net_move *move;

	(void)context;
	make_namespaces();
	BEGIN({"left", "eth%d"}, {"right", NULL});
	enter(outside);
	if (net_devices_move(&container, inside, &move, e) < 0)
		return -e->code;
	if (exists(outside, "left") || exists(outside, "right"))
		return 1;
	if (!exists(inside, "eth0") || !exists(inside, "right"))
		return 2;
	if (!says(inside, "ip -o addr show dev eth0 | grep -q 'inet 10.1.2.3/24 .*scope global'"))
		return 3;
	if (!says(inside, "ip -o link show dev right | grep -q 'UP'"))
		return 4;
	enter(outside);
	net_devices_return(&move);
	if (move || !exists(outside, "left") || !exists(outside, "right"))
		return 5;
	if (!says(outside, "ip -o addr show dev left | grep -q 'inet 10.1.2.3/24 '") ||
	    !says(outside, "ip -o link show dev left | grep -q '[<,]UP'"))
		return 6;
	return says(outside, "ip -o link show dev right | grep -q '[<,]UP'") ? 7 : 0;
}

TEST(moves_devices_with_their_addresses_and_back)
{
	int r = in_child(move_and_return, NULL, &err);

	ck_assert_msg(r == 0 || r == CHILD_SKIPPED, "%d: %s", r, err.text);
}

static int move_onto_another(void *context, struct error *e)
{
	struct net_move *move;

	(void)context;
	make_namespaces();
	enter(inside);
	shell("ip link add taken type veth peer name other 2>/dev/null");
	enter(outside);
	BEGIN({"left", NULL}, {"right", "taken"});
	if (net_devices_move(&container, inside, &move, e) == 0)
		return 1;
	return !exists(outside, "left") || !exists(outside, "right") || move ? 2 : -e->code;
}

TEST(moves_all_back_when_one_cannot_be_moved)
{
	int r = in_child(move_onto_another, NULL, &err);

	if (r == CHILD_SKIPPED)
		return;
	ck_assert_msg(r == -EINVAL, "%d: %s", r, err.text);
	ck_assert_str_eq(err.text, "linux.netDevices[\"right\"]: the container has a device "
				   "\"taken\" already");
}

static int move_loopback(void *context, struct error *e)
{
	struct net_move *move;

	(void)context;
	make_namespaces();
	BEGIN({"lo", "lo0"});
	return net_devices_move(&container, inside, &move, e);
}

TEST(says_that_some_devices_cannot_leave)
{
	int r = in_child(move_loopback, NULL, &err);

	if (r == CHILD_SKIPPED)
		return;
	ck_assert_int_eq(r, -EINVAL);
	ck_assert_str_eq(err.text, "linux.netDevices[\"lo\"]: move it into the container as "
				   "\"lo0\": invalid argument");
	ck_assert_str_eq(err.hint, "some devices, like loopback, never leave their namespace");
}

RUN_TESTS("net-devices", accepts_names_and_templates, rejects_what_the_kernel_takes_for_no_name,
	  rejects_two_devices_of_one_name, rejects_devices_without_a_namespace_to_move_them_to,
	  looks_for_the_devices_before_anything_is_made,
	  moves_devices_with_their_addresses_and_back, moves_all_back_when_one_cannot_be_moved,
	  says_that_some_devices_cannot_leave)
