#include "linux/selinux.h"

#include <errno.h>
#include <unistd.h>

#include "attributes.h"
#include "linux/lsm-attribute.h"
#include "linux/section.h"
#include "unit.h"

static const char label[] = "system_u:system_r:container_t:s0:c1,c2";
static struct error err;
static struct oci_process process;
static const struct oci_config config = {.process = &process};

static bool machine_has_selinux(void)
{
	return access("/sys/fs/selinux/enforce", F_OK) == 0;
}

static struct container plan(const struct attributes *proc, const char *wanted)
{
	process = (struct oci_process){.selinux_label = wanted};
	return (struct container){.config = &config, .proc_fd = proc->fd};
}

static const char *written(const struct attributes *proc, const char *name)
{
	static char text[64];

	lsm_attribute_read(proc->fd, name, text, sizeof(text));
	return text;
}

TEST(has_nothing_to_do_without_a_label)
{
	struct attributes proc = {.fd = -1};
	struct container container = plan(&proc, "");

	ck_assert_int_eq(section_selinux.prepare(&container, &err), 0);
	ck_assert_int_eq(step_selinux.apply(&container, &err), 0);
	ck_assert_int_eq(step_selinux_keyring.apply(&container, &err), 0);
	container.config = &(struct oci_config){0};
	ck_assert_int_eq(section_selinux.prepare(&container, &err), 0);
	ck_assert_int_eq(step_selinux.apply(&container, &err), 0);
}

TEST(refuses_a_label_where_there_is_no_selinux)
{
	struct attributes proc = {.fd = -1};
	struct container container = plan(&proc, label);

	if (machine_has_selinux())
		return;
	ck_assert_int_eq(section_selinux.prepare(&container, &err), -EINVAL);
	ck_assert_str_eq(err.text, "process.selinuxLabel: SELinux is not enabled on this machine");
	ck_assert_str_eq(err.hint, "remove the label \"system_u:system_r:container_t:s0:c1,c2\", "
				   "or mount a selinuxfs on /sys/fs/selinux");
}

TEST(tells_the_kernel_the_label)
{
	struct attributes proc;
	struct container container;

	attributes_begin(&proc);
	container = plan(&proc, label);
	ck_assert_msg(step_selinux.apply(&container, &err) == 0, "%s", err.text);
	ck_assert_str_eq(written(&proc, "exec"), label);
	ck_assert_str_eq(written(&proc, "keycreate"), "");
	attributes_end(&proc);
}

TEST(labels_the_keyring_that_is_made)
{
	struct attributes proc;
	struct container container;

	attributes_begin(&proc);
	container = plan(&proc, label);
	ck_assert_msg(step_selinux_keyring.apply(&container, &err) == 0, "%s", err.text);
	ck_assert_str_eq(written(&proc, "keycreate"), label);
	ck_assert_str_eq(written(&proc, "exec"), "");
	attributes_end(&proc);
}

TEST(labels_no_keyring_when_none_is_made)
{
	struct attributes proc;
	struct container container;

	attributes_begin(&proc);
	container = plan(&proc, label);
	container.no_new_keyring = true;
	ck_assert_int_eq(step_selinux_keyring.apply(&container, &err), 0);
	ck_assert_str_eq(written(&proc, "keycreate"), "");
	attributes_end(&proc);
}

TEST(notices_that_it_was_not_taken)
{
	struct attributes proc;
	struct container container;

	/* A file that keeps what it had behind the label's end. */
	attributes_begin(&proc);
	attributes_put(&proc, "exec", "system_u:system_r:container_t_of_another");
	container = plan(&proc, "system_u:system_r:container_t");
	ck_assert_int_eq(step_selinux.apply(&container, &err), -EINVAL);
	ck_assert_str_eq(err.text, "process.selinuxLabel: write `/proc/self/attr/exec`: it is not "
				   "what was written");
	attributes_end(&proc);
}

TEST(does_not_mind_in_which_order_categories_are)
{
	struct attributes proc;
	struct container container;

	attributes_begin(&proc);
	attributes_put(&proc, "exec", "system_u:system_r:container_t:s0:c1,c2,c3");
	container = plan(&proc, "system_u:system_r:container_t:s0");
	ck_assert_msg(step_selinux.apply(&container, &err) == 0, "%s", err.text);
	attributes_end(&proc);
}

/* Before a policy is loaded the kernel knows a few contexts of one word. */
TEST(takes_a_label_of_one_word)
{
	static const char *const labels[] = {"unlabeled", "a:b", ":", "::::"};
	struct attributes proc;
	struct container container;

	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
		attributes_begin(&proc);
		container = plan(&proc, labels[i]);
		ck_assert_msg(step_selinux.apply(&container, &err) == 0, "%s", err.text);
		attributes_end(&proc);
	}
}

TEST(says_why_the_kernel_did_not_take_it)
{
	struct attributes proc = {.fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC)};
	struct container container = plan(&proc, label);

	if (machine_has_selinux() || access("/sys/module/apparmor", F_OK) == 0)
		return;
	ck_assert_int_eq(step_selinux.apply(&container, &err), -EINVAL);
	ck_assert_str_eq(err.text, "process.selinuxLabel: write `/proc/self/attr/exec`: invalid "
				   "argument");
	ck_assert_str_eq(err.hint,
			 "the host's policy knows no \"system_u:system_r:container_t:s0:c1,c2\"");
	close(proc.fd);
}

RUN_TESTS("selinux", has_nothing_to_do_without_a_label, refuses_a_label_where_there_is_no_selinux,
	  tells_the_kernel_the_label, labels_the_keyring_that_is_made,
	  labels_no_keyring_when_none_is_made, notices_that_it_was_not_taken,
	  does_not_mind_in_which_order_categories_are, takes_a_label_of_one_word,
	  says_why_the_kernel_did_not_take_it)
