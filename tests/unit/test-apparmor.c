#include <errno.h>
#include <unistd.h>

#include "attributes.h"
#include "linux/lsm-attribute.h"
#include "linux/section.h"
#include "unit.h"

static struct error err;
static struct arena arena;
static struct oci_process process;
static const struct oci_config config = {.process = &process};

static bool machine_has_apparmor(void)
{
	return access("/sys/module/apparmor", F_OK) == 0;
}

static struct container plan(const struct attributes *proc, const char *profile)
{
	if (!arena.start)
		ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	process = (struct oci_process){.apparmor_profile = profile};
	return (struct container){.config = &config, .arena = &arena, .proc_fd = proc->fd};
}

static const char *written(const struct attributes *proc, const char *name)
{
	static char text[64];

	lsm_attribute_read(proc->fd, name, text, sizeof(text));
	return text;
}

TEST(has_nothing_to_do_without_a_profile)
{
	struct attributes proc = {.fd = -1};
	struct container container = plan(&proc, "");

	ck_assert_int_eq(section_apparmor.prepare(&container, &err), 0);
	ck_assert_ptr_null(container.apparmor);
	ck_assert_int_eq(step_apparmor.apply(&container, &err), 0);
	container.config = &(struct oci_config){0};
	ck_assert_int_eq(section_apparmor.prepare(&container, &err), 0);
	ck_assert_int_eq(step_apparmor.apply(&container, &err), 0);
}

TEST(refuses_a_profile_where_there_is_no_apparmor)
{
	struct attributes proc = {.fd = -1};
	struct container container = plan(&proc, "box");

	if (machine_has_apparmor())
		return;
	ck_assert_int_eq(section_apparmor.prepare(&container, &err), -EINVAL);
	ck_assert_str_eq(err.text,
			 "process.apparmorProfile: AppArmor is not enabled on this machine");
	ck_assert_str_eq(err.hint, "without the profile \"box\" the container would run "
				   "unconfined; remove it, or boot with apparmor=1");
}

TEST(is_unconfined_where_there_is_no_apparmor)
{
	struct attributes proc = {.fd = -1};
	struct container container = plan(&proc, "unconfined");

	if (machine_has_apparmor())
		return;
	ck_assert_int_eq(section_apparmor.prepare(&container, &err), 0);
	ck_assert_ptr_null(container.apparmor);
}

/* A file gives back what is written to it, the kernel only the profile: with this name it is the same. */
TEST(tells_the_kernel_the_profile)
{
	struct attributes proc;
	struct container container;

	attributes_begin(&proc);
	container = plan(&proc, "exec");
	container.apparmor = "exec exec";
	ck_assert_msg(step_apparmor.apply(&container, &err) == 0, "%s", err.text);
	ck_assert_str_eq(written(&proc, "apparmor/exec"), "exec exec");
	ck_assert_str_eq(written(&proc, "exec"), "");
	attributes_end(&proc);
}

TEST(uses_the_common_file_where_there_is_no_other)
{
	struct attributes proc;
	struct container container;

	attributes_begin(&proc);
	attributes_share(&proc);
	container = plan(&proc, "exec");
	container.apparmor = "exec exec";
	ck_assert_msg(step_apparmor.apply(&container, &err) == 0, "%s", err.text);
	ck_assert_str_eq(written(&proc, "exec"), "exec exec");
	attributes_end(&proc);
}

TEST(notices_that_it_was_not_taken)
{
	struct attributes proc;
	struct container container;

	attributes_begin(&proc);
	container = plan(&proc, "box");
	container.apparmor = "exec box";
	ck_assert_int_eq(step_apparmor.apply(&container, &err), -EINVAL);
	ck_assert_str_eq(err.text, "process.apparmorProfile: write "
				   "`/proc/self/attr/apparmor/exec`: it is not what was written");
	attributes_end(&proc);
}

/* Engines take "no such file or directory" for a program that is missing. */
TEST(says_that_the_profile_is_not_loaded)
{
	struct attributes proc;
	struct container container;

	attributes_begin(&proc);
	attributes_share(&proc);
	ck_assert_int_eq(unlinkat(proc.fd, "self/attr/exec", 0), 0);
	container = plan(&proc, "box");
	container.apparmor = "exec box";
	ck_assert_int_eq(step_apparmor.apply(&container, &err), -EINVAL);
	ck_assert_str_eq(err.text, "process.apparmorProfile: write `/proc/self/attr/exec`: the "
				   "profile \"box\" is not loaded");
	ck_assert_str_eq(err.hint, "load it on the host with apparmor_parser");
	attributes_end(&proc);
}

RUN_TESTS("apparmor", has_nothing_to_do_without_a_profile,
	  refuses_a_profile_where_there_is_no_apparmor, is_unconfined_where_there_is_no_apparmor,
	  tells_the_kernel_the_profile, uses_the_common_file_where_there_is_no_other,
	  notices_that_it_was_not_taken, says_that_the_profile_is_not_loaded)
