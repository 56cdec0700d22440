#include "linux/mount-label.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "basic/syscalls.h"
#include "child.h"
#include "linux/section.h"
#include "unit.h"

static char label[] = "system_u:object_r:container_file_t:s0:c1,c2";
static struct error err;
static struct arena arena;
static struct oci_linux properties = {.mount_label = label};
static struct oci_pair annotation = {"run.oci.mount_context_type", "context"};
static struct oci_config config = {
	.linux = &properties,
	.annotations = &annotation,
	.annotations_len = 1,
};
static struct container container = {.config = &config, .arena = &arena};
static struct oci_pair data[] = {{"size", "64k"}, {NULL, NULL}};

static bool machine_has_selinux(void)
{
	return access("/sys/fs/selinux/enforce", F_OK) == 0;
}

/* The parameter that a new file system of this type gets beside size=64k, or "". */
static const char *parameter_of(const char *type)
{
	struct mount_plan plan = {.type = type, .options = {.data = data, .data_len = 1}};

	if (!arena.start)
		ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	ck_assert_int_eq(mount_label_add(&container, &plan, &err), 0);
	ck_assert_str_eq(plan.options.data[0].key, "size");
	ck_assert_str_eq(plan.options.data[0].value, "64k");
	if (plan.options.data_len == 1)
		return "";
	ck_assert_uint_eq(plan.options.data_len, 2);
	ck_assert_str_eq(plan.options.data[1].value, label);
	return plan.options.data[1].key;
}

TEST(labels_new_file_systems)
{
	ck_assert_str_eq(parameter_of("tmpfs"), "context");
	ck_assert_str_eq(parameter_of("devpts"), "context");
	ck_assert_str_eq(parameter_of("ext4"), "context");
}

TEST(labels_nothing_that_is_the_kernels_own)
{
	ck_assert_str_eq(parameter_of("proc"), "");
	ck_assert_str_eq(parameter_of("sysfs"), "");
	ck_assert_str_eq(parameter_of("cgroup2"), "");
	ck_assert_str_eq(parameter_of("mqueue"), "");
}

TEST(labels_in_a_user_namespace_what_the_kernel_lets_it)
{
	container.new_namespaces = CLONE_NEWUSER;
	ck_assert_str_eq(parameter_of("tmpfs"), "context");
	ck_assert_str_eq(parameter_of("overlay"), "context");
	ck_assert_str_eq(parameter_of("fuse"), "");
	container.new_namespaces = 0;
	container.joined_namespaces = CLONE_NEWUSER;
	ck_assert_str_eq(parameter_of("ext4"), "");
}

TEST(uses_the_parameter_that_the_annotation_names)
{
	static const char *const types[] = {"context", "fscontext", "defcontext", "rootcontext"};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		annotation.value = types[i];
		ck_assert_int_eq(section_mount_label.validate(&config, &err), 0);
		ck_assert_str_eq(parameter_of("tmpfs"), types[i]);
		ck_assert(mount_label_is(types[i]));
	}
	ck_assert(!mount_label_is("size"));
	config.annotations_len = 0;
	ck_assert_str_eq(parameter_of("tmpfs"), "context");
}

TEST(rejects_an_unknown_annotation)
{
	annotation.value = "label";
	ck_assert_int_eq(section_mount_label.validate(&config, &err), -EINVAL);
	ck_assert_str_eq(err.text,
			 "annotations[\"run.oci.mount_context_type\"]: unknown type \"label\"");
	ck_assert_str_eq(err.hint, "the types are context, fscontext, defcontext and rootcontext, "
				   "see mount(8)");
}

TEST(leaves_a_mount_alone_that_has_a_label)
{
	struct oci_pair own[] = {{"rootcontext", "x"}, {NULL, NULL}};
	struct mount_plan plan = {.type = "tmpfs", .options = {.data = own, .data_len = 1}};

	ck_assert_int_eq(mount_label_add(&container, &plan, &err), 0);
	ck_assert_uint_eq(plan.options.data_len, 1);
}

TEST(has_nothing_to_do_without_a_label)
{
	label[0] = '\0';
	ck_assert_str_eq(parameter_of("tmpfs"), "");
	ck_assert_int_eq(section_mount_label.prepare(&container, &err), 0);
	ck_assert_int_eq(step_mount_label.apply(&container, &err), 0);
	ck_assert_int_eq(mount_label_configure(&container, -1), 0);
	config.linux = NULL;
	ck_assert_str_eq(parameter_of("tmpfs"), "");
	ck_assert_int_eq(section_mount_label.prepare(&container, &err), 0);
}

TEST(refuses_a_label_where_there_is_no_selinux)
{
	if (machine_has_selinux())
		return;
	ck_assert_int_eq(section_mount_label.prepare(&container, &err), -EINVAL);
	ck_assert_str_eq(err.text, "linux.mountLabel: SELinux is not enabled on this machine");
}

/* What a file system has that could not be given a label before: any takes this attribute from root. */
static int label_afterwards(void *context, struct error *e)
{
	struct mount_plan *plan = context;
	char now[64] = "";
	int file_system = sys_fsopen("tmpfs"), root;

	skip_unless(geteuid() == 0 && unshare(CLONE_NEWNS) == 0 && file_system >= 0);
	if (sys_fsconfig(file_system, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
		return -1;
	plan->fd = sys_fsmount(file_system, 0);
	container.mounts = plan;
	container.mounts_len = 1;
	if (step_mount_label.apply(&container, e) < 0)
		return -e->code;
	root = openat(plan->fd, ".", O_RDONLY | O_CLOEXEC);
	if (fgetxattr(root, "security.selinux", now, sizeof(now)) < 0)
		return 0;
	return strcmp(now, label) == 0 ? 1 : 2;
}

TEST(labels_message_queues_when_they_are_there)
{
	struct mount_plan plan = {.kind = MOUNT_FILE_SYSTEM, .type = "mqueue"};
	int r;

	if (machine_has_selinux())
		return;
	r = in_child(label_afterwards, &plan, &err);
	ck_assert_msg(r == 1 || r == CHILD_SKIPPED, "%d: %s", r, err.text);
	plan.type = "tmpfs";
	r = in_child(label_afterwards, &plan, &err);
	ck_assert_msg(r == 0 || r == CHILD_SKIPPED, "%d: %s", r, err.text);
}

TEST(says_which_mount_takes_no_label)
{
	struct mount_plan plan = {.kind = MOUNT_FILE_SYSTEM,
				  .type = "mqueue",
				  .index = 3,
				  .destination = "/dev/mqueue",
				  .fd = -1};

	container.mounts = &plan;
	container.mounts_len = 1;
	plan.fd = open("/dev/null", O_PATH | O_CLOEXEC);
	ck_assert_int_lt(step_mount_label.apply(&container, &err), 0);
	err.text[strcspn(err.text, "\"")] = '\0';
	ck_assert_str_eq(err.text, "mounts[3] (/dev/mqueue): linux.mountLabel: give it the label ");
	close(plan.fd);
}

RUN_TESTS("mount-label", labels_new_file_systems, labels_nothing_that_is_the_kernels_own,
	  labels_in_a_user_namespace_what_the_kernel_lets_it,
	  uses_the_parameter_that_the_annotation_names, rejects_an_unknown_annotation,
	  leaves_a_mount_alone_that_has_a_label, has_nothing_to_do_without_a_label,
	  refuses_a_label_where_there_is_no_selinux, labels_message_queues_when_they_are_there,
	  says_which_mount_takes_no_label)
