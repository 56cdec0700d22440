#include "launch/order.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "basic/file.h"
#include "unit.h"

/* Both are in proa-init alone: these are its tables. */
#include "launch/init-steps.c"
#include "launch/order-init.c"

/* What section.h and init-steps.h declare, by name; that it is everything is tested below. */
static const struct {
	const char *name;
	const struct section *section;
} sections[] = {
#define SECTION(name)                             \
	{                                         \
		"section_" #name, &section_##name \
	}
	SECTION(annotations),
	SECTION(apparmor),
	SECTION(capabilities),
	SECTION(cpu_affinity),
	SECTION(cwd),
	SECTION(devices),
	SECTION(domainname),
	SECTION(env),
	SECTION(executable),
	SECTION(hooks),
	SECTION(hostname),
	SECTION(id_mappings),
	SECTION(intel_rdt),
	SECTION(io_priority),
	SECTION(kernel_mounts),
	SECTION(keyring),
	SECTION(masked_paths),
	SECTION(memory_policy),
	SECTION(mount_label),
	SECTION(mounts),
	SECTION(namespaces),
	SECTION(net_devices),
	SECTION(no_new_privileges),
	SECTION(oci_version),
	SECTION(oom_score_adj),
	SECTION(personality),
	SECTION(readonly_paths),
	SECTION(rlimits),
	SECTION(root),
	SECTION(rootfs_propagation),
	SECTION(scheduler),
	SECTION(seccomp),
	SECTION(selinux),
	SECTION(sysctl),
	SECTION(terminal),
	SECTION(time_offsets),
	SECTION(user),
};

static const struct {
	const char *name;
	const struct step *step;
} steps[] = {
#define STEP(name)                          \
	{                                   \
		"step_" #name, &step_##name \
	}
	STEP(apparmor),
	STEP(capabilities),
	STEP(cpu_affinity),
	STEP(create_container_hooks),
	STEP(cwd),
	STEP(cwd_find),
	STEP(cwd_make),
	STEP(devices),
	STEP(devices_open),
	STEP(domainname),
	STEP(enter_namespaces),
	STEP(enter_pid),
	STEP(enter_pid_early),
	STEP(env),
	STEP(executable),
	STEP(execute),
	STEP(execute_more),
	STEP(give_console),
	STEP(give_listener),
	STEP(groups),
	STEP(hostname),
	STEP(io_priority),
	STEP(join_namespaces),
	STEP(keep_sockets),
	STEP(kernel_mounts),
	STEP(keyring),
	STEP(listen_pid),
	STEP(loopback),
	STEP(masked_open),
	STEP(masked_paths),
	STEP(memory_policy),
	STEP(mount_label),
	STEP(mounts_attach),
	STEP(mounts_finish),
	STEP(mounts_open),
	STEP(mounts_open_cgroups),
	STEP(move_devices),
	STEP(no_new_privileges),
	STEP(personality),
	STEP(readonly_paths),
	STEP(ready),
	STEP(rlimits),
	STEP(rlimits_own),
	STEP(root_attach),
	STEP(root_enter),
	STEP(root_finish),
	STEP(run_hooks),
	STEP(scheduler),
	STEP(seccomp_early),
	STEP(seccomp_late),
	STEP(selinux),
	STEP(selinux_keyring),
	STEP(start_container_hooks),
	STEP(sysctl),
	STEP(terminal),
	STEP(terminal_control),
	STEP(user),
	STEP(wait_for_start),
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static bool knows(const char *name)
{
	for (size_t i = 0; i < COUNT(sections); i++)
		if (strcmp(sections[i].name, name) == 0)
			return true;
	for (size_t i = 0; i < COUNT(steps); i++)
		if (strcmp(steps[i].name, name) == 0)
			return true;
	return false;
}

/* A header of the sources: make tells where they are, and so does this file's own name. */
static const char *read_header(const char *header)
{
	const char *directory = getenv("srcdir"), *here = strstr(__FILE__, "tests/unit/");
	static char text[16384];
	char path[1024];

	if (directory)
		snprintf(path, sizeof(path), "%s/src/%s", directory, header);
	else
		snprintf(path, sizeof(path), "%.*ssrc/%s", (int)(here - __FILE__), __FILE__,
			 header);
	ck_assert_msg(file_read_small(AT_FDCWD, path, text, sizeof(text)) > 0, "no %s", path);
	return text;
}

static size_t expect_all_known(const char *header)
{
	const char *text = read_header(header);
	size_t count = 0;
	char name[64];

	while ((text = strstr(text, "\nextern const struct "))) {
		text++;
		if (sscanf(text, "extern const struct section %63[a-z_];", name) != 1 &&
		    sscanf(text, "extern const struct step %63[a-z_];", name) != 1)
			continue;
		ck_assert_msg(knows(name), "%s declares %s, which this test lacks", header, name);
		count++;
	}
	return count;
}

TEST(is_tested_for_everything_that_is_declared)
{
	size_t count = expect_all_known("linux/section.h");

	count += expect_all_known("launch/init-steps.h");
	ck_assert_uint_eq(count, COUNT(sections) + COUNT(steps));
}

/* -- the runtime's tables ---------------------------------------------------------------------- */

static size_t times(const struct section *const *order, const struct section *section)
{
	size_t count = 0;

	for (; *order; order++)
		count += *order == section;
	return count;
}

TEST(has_each_moment_of_each_section_once)
{
	for (size_t i = 0; i < COUNT(sections); i++) {
		const struct section *section = sections[i].section;

		/* One with nothing to check may stand among those that have. */
		ck_assert_msg(times(validate_order, section) == 1 || !section->validate,
			      "%s is not validated once", sections[i].name);
		ck_assert_msg(times(prepare_order, section) == (section->prepare ? 1 : 0),
			      "%s is not prepared once", sections[i].name);
		ck_assert_msg(times(attach_order, section) == (section->attach ? 1 : 0),
			      "%s is not attached once", sections[i].name);
	}
}

/* Or its property is taken for handled where nobody does. */
TEST(has_no_section_without_a_moment)
{
	for (size_t i = 0; i < COUNT(sections); i++) {
		const struct section *section = sections[i].section;

		ck_assert_ptr_nonnull(section->path);
		ck_assert_msg(times(validate_order, section) || times(prepare_order, section) ||
				      times(attach_order, section),
			      "%s stands in no table", sections[i].name);
	}
}

static size_t place(const struct section *const *order, const struct section *section)
{
	size_t i = 0;

	while (order[i] && order[i] != section)
		i++;
	ck_assert_ptr_nonnull(order[i]);
	return i;
}

#define BEFORE(order, one, other) \
	ck_assert_uint_lt(place(order, &section_##one), place(order, &section_##other))

TEST(prepares_what_others_look_at_before_them)
{
	BEFORE(prepare_order, namespaces, id_mappings);
	BEFORE(prepare_order, namespaces, sysctl);
	BEFORE(prepare_order, namespaces, hostname);
	BEFORE(prepare_order, namespaces, domainname);
	BEFORE(prepare_order, namespaces, net_devices);
	BEFORE(prepare_order, namespaces, root);
	BEFORE(prepare_order, id_mappings, user);
	BEFORE(prepare_order, id_mappings, devices);
	BEFORE(prepare_order, mount_label, mounts);
	BEFORE(prepare_order, mounts, devices);
}

TEST(looks_at_the_version_first_and_at_the_limits_last)
{
	ck_assert_uint_eq(place(validate_order, &section_oci_version), 0);
	ck_assert_ptr_null(attach_order[place(attach_order, &section_rlimits) + 1]);
}

/* -- init's table ------------------------------------------------------------------------------ */

static bool applies(const struct row *row, bool root_hooks)
{
	return row->when == ALWAYS || (row->when == WITH_ROOT_HOOKS) == root_hooks;
}

static size_t times_applied(const struct step *step, bool root_hooks)
{
	size_t count = 0;

	for (const struct row *row = apply_order; row->step; row++)
		count += row->step == step && applies(row, root_hooks);
	return count;
}

static size_t times_in_exec(const struct step *step)
{
	size_t count = 0;

	for (const struct row *row = exec_order; row->step; row++)
		count += row->step == step;
	return count;
}

/* Those that who becomes the container has no use for. */
static bool is_for_exec(const struct step *step)
{
	const struct step *const alone[] = {
		&step_cpu_affinity, &step_cwd_find,	   &step_enter_namespaces,
		&step_enter_pid,    &step_enter_pid_early, &step_execute_more,
		&step_keep_sockets, &step_listen_pid,	   &step_terminal_control,
	};

	for (size_t i = 0; i < COUNT(alone); i++)
		if (alone[i] == step)
			return true;
	return false;
}

/* Those that only a hook asks for, which else is not there. */
static bool is_for_hooks(const struct step *step)
{
	return step == &step_run_hooks || step == &step_create_container_hooks;
}

TEST(applies_each_step_once)
{
	for (size_t i = 0; i < COUNT(steps); i++) {
		const struct step *step = steps[i].step;
		/* The last one of all is applied by step_execute, after its last word. */
		size_t once = step == &step_seccomp_late || is_for_exec(step) ? 0 : 1;

		ck_assert_ptr_nonnull(step->name);
		ck_assert_ptr_nonnull(step->apply);
		ck_assert_msg(times_applied(step, true) == once, "%s with hooks", steps[i].name);
		ck_assert_msg(times_applied(step, false) == (is_for_hooks(step) ? 0 : once),
			      "%s without hooks", steps[i].name);
	}
}

TEST(executes_with_the_steps_of_its_own_and_those_of_a_process)
{
	for (size_t i = 0; i < COUNT(steps); i++) {
		const struct step *step = steps[i].step;

		ck_assert_msg(times_in_exec(step) <= 1, "%s comes twice", steps[i].name);
		ck_assert_msg(times_in_exec(step) == 1 || !is_for_exec(step), "%s is missing",
			      steps[i].name);
		/* Whatever is process's or a label comes in both. */
		ck_assert_msg(times_in_exec(step) == 1 || step == &step_cwd_make ||
				      strncmp(step->name, "process.", strlen("process.")) != 0,
			      "%s is missing", steps[i].name);
	}
	ck_assert_uint_eq(times_in_exec(&step_seccomp_early), 1);
	ck_assert_uint_eq(times_in_exec(&step_personality), 1);
	ck_assert_uint_eq(times_in_exec(&step_memory_policy), 1);
	ck_assert_uint_eq(times_in_exec(&step_keyring), 1);
}

static size_t exec_turn(const struct step *step)
{
	for (size_t i = 0; exec_order[i].step; i++)
		if (exec_order[i].step == step)
			return i;
	ck_abort_msg("%s is not in exec's table", step->name);
	return 0;
}

TEST(shows_itself_in_the_container_only_when_it_has_nothing_to_lose)
{
	const struct step *const before[] = {
		&step_enter_namespaces, &step_keep_sockets,	 &step_groups,	  &step_user,
		&step_capabilities,	&step_no_new_privileges, &step_executable};

	ck_assert_uint_eq(exec_turn(&step_enter_namespaces), 0);
	for (size_t i = 0; i < COUNT(before); i++)
		ck_assert_uint_lt(exec_turn(before[i]), exec_turn(&step_enter_pid));
	/* Even when an agent has to know its pid. */
	ck_assert_uint_lt(exec_turn(&step_keep_sockets), exec_turn(&step_enter_pid_early));
	ck_assert_uint_eq(exec_turn(&step_enter_pid_early) + 1, exec_turn(&step_give_listener));
	ck_assert_uint_eq(exec_turn(&step_give_listener) + 1, exec_turn(&step_seccomp_early));
	ck_assert_uint_lt(exec_turn(&step_enter_pid), exec_turn(&step_terminal_control));
	ck_assert_uint_lt(exec_turn(&step_terminal_control), exec_turn(&step_ready));
	ck_assert_uint_lt(exec_turn(&step_ready), exec_turn(&step_execute_more));
	ck_assert_ptr_null(exec_order[exec_turn(&step_execute_more) + 1].step);
}

TEST(takes_for_exec_what_is_the_processs)
{
	ck_assert(section_is_for_exec(&section_user));
	ck_assert(section_is_for_exec(&section_cpu_affinity));
	ck_assert(section_is_for_exec(&section_personality));
	ck_assert(section_is_for_exec(&section_intel_rdt));
	ck_assert(!section_is_for_exec(&section_root));
	ck_assert(!section_is_for_exec(&section_seccomp));
	ck_assert(!section_is_for_exec(&section_annotations));
}

/* Which of the steps of this way it is. */
static size_t turn(const struct step *step, bool root_hooks)
{
	size_t count = 0;

	for (const struct row *row = apply_order; row->step; row++) {
		if (!applies(row, root_hooks))
			continue;
		if (row->step == step)
			return count;
		count++;
	}
	ck_abort_msg("%s is never applied", step->name);
	return 0;
}

static void expect_in_turn(const struct step *const *wanted, bool root_hooks)
{
	for (; wanted[1]; wanted++)
		ck_assert_msg(turn(wanted[0], root_hooks) < turn(wanted[1], root_hooks),
			      "%s comes before %s", wanted[1]->name, wanted[0]->name);
}

#define IN_TURN(...) ((const struct step *const[]){__VA_ARGS__, NULL})

TEST(opens_what_is_the_hosts_before_it_enters_the_root)
{
	for (int hooks = 0; hooks < 2; hooks++) {
		expect_in_turn(IN_TURN(&step_join_namespaces, &step_mounts_open, &step_root_enter),
			       hooks);
		expect_in_turn(IN_TURN(&step_devices_open, &step_root_enter), hooks);
		expect_in_turn(IN_TURN(&step_masked_open, &step_root_enter, &step_masked_paths),
			       hooks);
		expect_in_turn(IN_TURN(&step_sysctl, &step_mounts_attach), hooks);
		expect_in_turn(IN_TURN(&step_root_enter, &step_terminal), hooks);
	}
}

/* Whatever path is attached to, it is the container's already, unless hooks are there to see it. */
TEST(enters_the_root_before_it_walks_paths_in_it)
{
	expect_in_turn(IN_TURN(&step_root_attach, &step_root_enter, &step_mounts_attach,
			       &step_devices, &step_cwd_make, &step_masked_paths),
		       false);
	expect_in_turn(IN_TURN(&step_mounts_attach, &step_devices, &step_run_hooks,
			       &step_create_container_hooks, &step_root_enter, &step_masked_paths),
		       true);
}

TEST(makes_read_only_what_nobody_writes_to_any_more)
{
	for (int hooks = 0; hooks < 2; hooks++) {
		expect_in_turn(IN_TURN(&step_mounts_attach, &step_devices, &step_terminal,
				       &step_mounts_finish, &step_root_finish),
			       hooks);
		expect_in_turn(IN_TURN(&step_cwd_make, &step_root_finish, &step_user), hooks);
		expect_in_turn(IN_TURN(&step_masked_paths, &step_root_finish), hooks);
	}
}

TEST(becomes_what_it_may_not_become_later)
{
	const struct step *const late[] = {&step_scheduler,   &step_io_priority,
					   &step_personality, &step_memory_policy,
					   &step_apparmor,    &step_selinux};

	for (size_t i = 0; i < COUNT(late); i++)
		expect_in_turn(IN_TURN(&step_root_finish, late[i], &step_seccomp_early, &step_user,
				       &step_no_new_privileges),
			       false);
	expect_in_turn(IN_TURN(&step_selinux_keyring, &step_keyring), false);
	expect_in_turn(IN_TURN(&step_mounts_open, &step_mount_label, &step_mounts_attach), false);
	expect_in_turn(IN_TURN(&step_masked_open, &step_enter_memory_to_show,
			       &step_mounts_open_cgroups, &step_mount_label, &step_enter_memory),
		       false);
}

TEST(gives_up_its_privileges_in_the_order_in_which_it_can)
{
	expect_in_turn(IN_TURN(&step_root_finish, &step_seccomp_early, &step_user,
			       &step_capabilities, &step_cwd, &step_executable, &step_rlimits_own,
			       &step_ready, &step_wait_for_start, &step_start_container_hooks,
			       &step_rlimits, &step_execute),
		       false);
	/* With noNewPrivileges a filter needs no privilege: it is loaded after the last step. */
	expect_in_turn(IN_TURN(&step_seccomp_early, &step_no_new_privileges, &step_ready), false);
}

/* It tells the runtime which descriptor is free next. */
TEST(gives_the_listener_away_right_before_the_filter_is_loaded)
{
	for (int hooks = 0; hooks < 2; hooks++)
		ck_assert_uint_eq(turn(&step_give_listener, hooks) + 1,
				  turn(&step_seccomp_early, hooks));
}

TEST(has_the_network_devices_before_they_are_set_up)
{
	for (int hooks = 0; hooks < 2; hooks++)
		expect_in_turn(IN_TURN(&step_join_namespaces, &step_move_devices, &step_sysctl),
			       hooks);
	expect_in_turn(IN_TURN(&step_move_devices, &step_run_hooks), true);
}

TEST(ends_with_the_program)
{
	const struct row *last = apply_order;

	while (last[1].step)
		last++;
	ck_assert_ptr_eq(last->step, &step_execute);
}

RUN_TESTS("order", is_tested_for_everything_that_is_declared, has_each_moment_of_each_section_once,
	  has_no_section_without_a_moment, prepares_what_others_look_at_before_them,
	  looks_at_the_version_first_and_at_the_limits_last, applies_each_step_once,
	  executes_with_the_steps_of_its_own_and_those_of_a_process,
	  shows_itself_in_the_container_only_when_it_has_nothing_to_lose,
	  takes_for_exec_what_is_the_processs, opens_what_is_the_hosts_before_it_enters_the_root,
	  enters_the_root_before_it_walks_paths_in_it,
	  makes_read_only_what_nobody_writes_to_any_more, becomes_what_it_may_not_become_later,
	  gives_up_its_privileges_in_the_order_in_which_it_can,
	  gives_the_listener_away_right_before_the_filter_is_loaded,
	  has_the_network_devices_before_they_are_set_up, ends_with_the_program)
