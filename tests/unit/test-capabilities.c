#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "basic/file.h"
#include "basic/log.h"
#include "basic/syscalls.h"
#include "liar.h"
#include "linux/section.h"
#include "unit.h"

#define BIT(capability) (UINT64_C(1) << (capability))

static struct error err;
static char warned[1024];

static void note(enum log_level level, const char *message, void *context)
{
	(void)level, (void)context;
	strcat(strcat(warned, message), "\n");
}

static void listen_to_warnings(void)
{
	warned[0] = '\0';
	log_set_level(LOG_LEVEL_WARNING);
	log_set_sink(note, NULL);
}

#define SET(name, ...)                               \
	.name = (const char *[]){__VA_ARGS__, NULL}, \
	.name##_len = sizeof((const char *[]){__VA_ARGS__}) / sizeof(const char *)

static struct oci_user user;
static struct oci_process process = {.user = &user};
static const struct oci_config config = {.process = &process};

static int validate(struct oci_capabilities *sets)
{
	listen_to_warnings();
	process.capabilities = sets;
	return section_capabilities.validate(&config, &err);
}

/* The plan for the sets, in a container with a new user namespace or without. */
static struct capability_plan prepare(struct oci_capabilities *sets, int namespaces)
{
	struct container container = {.config = &config, .new_namespaces = namespaces};
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_eq(validate(sets), 0);
	ck_assert_int_eq(self_read(proc, &container.self, &err), 0);
	close(proc);
	ck_assert_int_eq(section_capabilities.prepare(&container, &err), 0);
	return container.capabilities;
}

TEST(makes_masks_of_names)
{
	struct oci_capabilities sets = {
		SET(bounding, "CAP_CHOWN", "CAP_KILL", "CAP_BPF"),
		SET(permitted, "CAP_CHOWN", "CAP_KILL"),
		SET(effective, "CAP_KILL"),
		SET(inheritable, "CAP_CHOWN"),
		SET(ambient, "CAP_CHOWN"),
	};
	struct capability_plan plan = prepare(&sets, CLONE_NEWUSER);

	ck_assert_uint_eq(plan.bounding, BIT(CAP_CHOWN) | BIT(CAP_KILL) | BIT(CAP_BPF));
	ck_assert_uint_eq(plan.permitted, BIT(CAP_CHOWN) | BIT(CAP_KILL));
	ck_assert_uint_eq(plan.effective, BIT(CAP_KILL));
	ck_assert_uint_eq(plan.inheritable, BIT(CAP_CHOWN));
	ck_assert_uint_eq(plan.ambient, BIT(CAP_CHOWN));
	ck_assert_str_eq(warned, "");
}

/* The specification asks for a warning, and no more. */
TEST(warns_of_names_that_it_does_not_know)
{
	struct oci_capabilities sets = {
		SET(bounding, "CAP_CHOWN", "CAP_TELEPORT", "chown"),
		SET(permitted, "CAP_TELEPORT"),
	};

	ck_assert_int_eq(validate(&sets), 0);
	ck_assert_str_eq(warned, "process.capabilities: ignoring unknown names: "
				 "CAP_TELEPORT, chown\n");
	ck_assert_uint_eq(prepare(&sets, CLONE_NEWUSER).bounding, BIT(CAP_CHOWN));
}

TEST(rejects_effective_ones_that_are_not_permitted)
{
	struct oci_capabilities sets = {SET(effective, "CAP_CHOWN", "CAP_KILL"),
					SET(permitted, "CAP_KILL")};

	ck_assert_int_eq(validate(&sets), -EINVAL);
	ck_assert_str_eq(err.text, "process.capabilities.effective: CAP_CHOWN is not in permitted");
}

TEST(rejects_inheritable_ones_that_are_not_bounding)
{
	struct oci_capabilities sets = {SET(inheritable, "CAP_CHOWN")};

	ck_assert_int_eq(validate(&sets), -EINVAL);
	ck_assert_str_eq(err.text,
			 "process.capabilities.inheritable: CAP_CHOWN is not in bounding");
}

TEST(leaves_out_ambient_ones_that_cannot_be_raised)
{
	struct oci_capabilities sets = {
		SET(bounding, "CAP_CHOWN"),
		SET(permitted, "CAP_CHOWN"),
		SET(ambient, "CAP_CHOWN"),
	};

	ck_assert_uint_eq(prepare(&sets, CLONE_NEWUSER).ambient, 0);
	ck_assert_str_eq(warned, "process.capabilities.ambient: ignoring what is not both "
				 "permitted and inheritable: CAP_CHOWN\n");
}

static int prepare_without_kill(void *context, struct error *e)
{
	struct oci_capabilities sets = {
		SET(bounding, "CAP_KILL", "CAP_CHOWN"),
		SET(permitted, "CAP_KILL", "CAP_CHOWN"),
		SET(effective, "CAP_KILL", "CAP_CHOWN"),
	};
	struct capability_plan plan;

	(void)context, (void)e;
	skip_unless(prctl(PR_CAPBSET_READ, CAP_CHOWN, 0, 0, 0) == 1 && geteuid() == 0);
	skip_unless(prctl(PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0) == 0);
	plan = prepare(&sets, 0);
	if (plan.bounding != BIT(CAP_CHOWN) || plan.effective & ~plan.permitted)
		return 1;
	return strcmp(warned, "process.capabilities: ignoring what the runtime does not have: "
			      "CAP_KILL\n");
}

TEST(leaves_out_what_the_runtime_does_not_have)
{
	int r = in_child(prepare_without_kill, NULL, &err);

	ck_assert(r == 0 || r == CHILD_SKIPPED);
}

/* -- init -------------------------------------------------------------------------------------- */

/* The five sets of this process, as in /proc/self/status. */
static void own_sets(uint64_t sets[5])
{
	static const char *const names[] = {"CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"};
	char status[4096];

	file_read_small(AT_FDCWD, "/proc/self/status", status, sizeof(status));
	for (int i = 0; i < 5; i++)
		sets[i] = strtoull(strstr(status, names[i]) + 7, NULL, 16);
}

static int apply(void *context, struct error *e)
{
	struct container *container = context;
	const struct capability_plan *plan = &container->capabilities;
	uint64_t sets[5];

	skip_unless(geteuid() == 0 && prctl(PR_CAPBSET_READ, CAP_SETPCAP, 0, 0, 0) == 1);
	if (user.uid) {
		prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
		skip_unless(setresuid(user.uid, user.uid, user.uid) == 0);
	}
	if (step_capabilities.apply(container, e) < 0)
		return -e->code;
	own_sets(sets);
	if (sets[0] != plan->inheritable || sets[1] != plan->permitted ||
	    sets[2] != plan->effective || sets[4] != plan->ambient)
		return 1;
	return sets[3] != plan->bounding ? 2 : 0;
}

static void expect_applied(uint32_t uid, struct capability_plan plan)
{
	struct container container = {.config = &config, .capabilities = plan};
	int r;

	user.uid = uid;
	process.capabilities = NULL;
	r = in_child(apply, &container, &err);
	ck_assert_msg(r == 0 || r == CHILD_SKIPPED, "%d: %s", r, err.text);
}

/* All are empty when the config says nothing. */
TEST(sets_all_five_for_root)
{
	expect_applied(0, (struct capability_plan){0});
	expect_applied(0, (struct capability_plan){
				  .bounding = BIT(CAP_CHOWN) | BIT(CAP_KILL) | BIT(CAP_BPF),
				  .permitted = BIT(CAP_CHOWN) | BIT(CAP_BPF),
				  .effective = BIT(CAP_BPF),
			  });
}

TEST(sets_all_five_for_another_user)
{
	expect_applied(1000, (struct capability_plan){0});
	expect_applied(1000, (struct capability_plan){
				     .bounding = BIT(CAP_CHOWN) | BIT(CAP_KILL),
				     .permitted = BIT(CAP_CHOWN) | BIT(CAP_KILL),
				     .effective = BIT(CAP_CHOWN),
				     .inheritable = BIT(CAP_KILL),
				     .ambient = BIT(CAP_KILL),
			     });
}

static struct {
	long number;
	int argument;
} lie;

static int apply_among_lies(void *context, struct error *e)
{
	struct container *container = context;

	skip_unless(geteuid() == 0 && prctl(PR_CAPBSET_READ, CAP_SETPCAP, 0, 0, 0) == 1);
	if (container->capabilities.permitted & container->capabilities.inheritable) {
		struct capability_plan wanted = container->capabilities;

		/* Ambient ones that are not to be. */
		wanted.ambient = wanted.permitted & wanted.inheritable;
		container->capabilities.bounding = wanted.bounding |= BIT(CAP_SETPCAP);
		wanted.permitted |= BIT(CAP_SETPCAP);
		wanted.effective |= BIT(CAP_SETPCAP);
		skip_unless(step_capabilities.apply(&(struct container){.config = container->config,
									.capabilities = wanted},
						    e) == 0);
	}
	lie_about(lie.number, lie.argument);
	return step_capabilities.apply(container, e);
}

static void expect_disbelief(long number, int argument, struct capability_plan plan,
			     const char *text)
{
	struct container container = {.config = &config, .capabilities = plan};

	lie.number = number;
	lie.argument = argument;
	expect_refused(apply_among_lies, &container, text, &err);
}

/* Each set in turn; and a prctl(2) that says 0 to whatever it is asked. */
TEST(does_not_believe_a_call_that_does_nothing)
{
	const struct capability_plan one = {.bounding = BIT(CAP_CHOWN),
					    .permitted = BIT(CAP_CHOWN)};
	const struct capability_plan ambient = {.bounding = BIT(CAP_CHOWN),
						.permitted = BIT(CAP_CHOWN),
						.inheritable = BIT(CAP_CHOWN)};

	expect_disbelief(SYS_capset, ANY_ARGUMENT, one,
			 "process.capabilities: they are not what was set");
	expect_disbelief(SYS_prctl, PR_CAPBSET_DROP, one,
			 "process.capabilities.bounding: it is not what was set");
	expect_disbelief(SYS_prctl, ANY_ARGUMENT, one,
			 "process.capabilities.bounding: it is not what was set");
	expect_disbelief(SYS_prctl, PR_CAP_AMBIENT, ambient,
			 "process.capabilities.ambient: it is not what was set");
}

RUN_TESTS("capabilities", makes_masks_of_names, warns_of_names_that_it_does_not_know,
	  rejects_effective_ones_that_are_not_permitted,
	  rejects_inheritable_ones_that_are_not_bounding,
	  leaves_out_ambient_ones_that_cannot_be_raised, leaves_out_what_the_runtime_does_not_have,
	  sets_all_five_for_root, sets_all_five_for_another_user,
	  does_not_believe_a_call_that_does_nothing)
