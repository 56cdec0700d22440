#include <errno.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>

#include "basic/users.h"
#include "linux/narrow-host.h"
#include "scratch.h"
#include "unit.h"

enum { MOUNTS_OF_HOST = 400 };

static struct error err;
static struct container container;
static struct mount_plan mounts[2];
static struct device_plan device;
static struct oci_config config;

/* A container that may leave the host's mounts. */
static void begin(void)
{
	mounts[0] = (struct mount_plan){.kind = MOUNT_FILE_SYSTEM, .type = "tmpfs", .fd = -1};
	mounts[1] = (struct mount_plan){.kind = MOUNT_BIND, .fd = -1};
	device = (struct device_plan){.bind = true, .path = "/dev/null"};
	container = (struct container){
		.config = &config,
		.new_namespaces = CLONE_NEWNS | CLONE_NEWPID,
		.host_privileges = true,
		.rootfs_fd = STDIN_FILENO,
		.kernel_mounts = -1,
		.mounts = mounts,
		.mounts_len = 2,
		.devices = &device,
		.devices_len = 1,
	};
}

/* At most as many as there is room for. */
static size_t count_mounts(void)
{
	const struct sys_mount_request all = {.size = sizeof(all), .mount = SYS_ALL_MOUNTS};
	uint64_t ids[MOUNTS_OF_HOST];

	return (size_t)sys_listmount(&all, ids, MOUNTS_OF_HOST);
}

static unsigned long own_namespace(void)
{
	struct stat status;

	return fstatat(container.proc_fd, "self/ns/mnt", &status, 0) == 0
		       ? (unsigned long)status.st_ino
		       : 0;
}

/* A mount namespace with many mounts, whatever this machine has. */
static void make_host(size_t count)
{
	skip_unless(geteuid() == 0 && in_first_user_namespace());
	skip_unless(unshare(CLONE_NEWNS) == 0);
	if (sys_mount_propagation("/", MS_REC | MS_PRIVATE) < 0)
		abort();
	for (size_t i = 0; i < count; i++)
		if (sys_mount("tmpfs", "/tmp", "tmpfs", 0, NULL) < 0)
			abort();
	skip_unless(count == 0 || count_mounts() == MOUNTS_OF_HOST);
	container.proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* It stays, so that no other gets its inode number. */
	if (openat(container.proc_fd, "self/ns/mnt", O_RDONLY | O_CLOEXEC) < 0)
		abort();
}

static int prepare(struct error *e)
{
	return section_kernel_mounts.prepare(&container, e);
}

static int run(int (*function)(void *context, struct error *err))
{
	int r = in_child(function, NULL, &err);

	if (r == CHILD_SKIPPED)
		printf("skipped: it takes the host's root, its pids and Linux 6.12\n");
	return r;
}

#define EXPECT(function)                                               \
	do {                                                           \
		int r_ = run(function);                                \
		if (r_ != CHILD_SKIPPED)                               \
			ck_assert_msg(r_ == 0, "%d %s", r_, err.text); \
	} while (0)

/* -- prepare ----------------------------------------------------------------------------------- */

static int find(void *context, struct error *e)
{
	int owner;

	(void)context;
	make_host(MOUNTS_OF_HOST);
	if (prepare(e) < 0)
		return -1;
	/* Elsewhere than in the first pid namespace, and on older kernels, there is none. */
	skip_unless(container.leaves_host);
	owner = ioctl(container.kernel_mounts, NS_GET_USERNS);
	if (!is_first_user_namespace(owner))
		return error_config(e, "it is somebody else's");
	return setns(container.kernel_mounts, CLONE_NEWNS) == 0 && count_mounts() == 1 &&
			       type_of("/") == 0x1021994 /* TMPFS_MAGIC */
		       ? 0
		       : error_config(e, "it is another");
}

TEST(finds_the_kernels_own)
{
	begin();
	EXPECT(find);
}

static int stay(void *context, struct error *e)
{
	const size_t *count = context;

	make_host(count ? *count : MOUNTS_OF_HOST);
	return prepare(e) == 0 && !container.leaves_host && !container.narrows_host &&
			       !container.staged && container.kernel_mounts == -1
		       ? 0
		       : error_config(e, "it leaves the host's");
}

static void expect_stay(const char *why)
{
	int r = run(stay);

	ck_assert_msg(r == 0 || r == CHILD_SKIPPED, "%s: %s", why, err.text);
}

#define STAYS(why, ...)           \
	do {                      \
		begin();          \
		__VA_ARGS__;      \
		expect_stay(why); \
	} while (0)

TEST(stays_where_the_hosts_mounts_are_needed)
{
	STAYS("no mount namespace", container.new_namespaces = CLONE_NEWPID);
	STAYS("a joined user namespace", container.joined_namespaces = CLONE_NEWUSER);
	STAYS("no privileges", container.host_privileges = false);
	STAYS("hooks", container.root_hooks = true);
	STAYS("init opens the rootfs", container.rootfs_fd = -1);
	STAYS("mount(2)", mounts[1].legacy_data = "iversion");
}

TEST(stays_where_a_user_namespace_takes_more_than_the_kernels_file_systems)
{
	STAYS("layers", container.new_namespaces |= CLONE_NEWUSER; mounts[0].type = "overlay");
	STAYS("a device", container.new_namespaces |= CLONE_NEWUSER; device.path = "/srv/null");
	STAYS("hooks", container.new_namespaces |= CLONE_NEWUSER; container.root_hooks = true);
}

static int stay_with_few(void *context, struct error *e)
{
	size_t none = 0;

	(void)context;
	if (count_mounts() >= 128)
		return 0;
	return stay(&none, e);
}

TEST(stays_where_the_host_has_few_and_its_root_could_be_taken_off)
{
	begin();
	container.capabilities.bounding = UINT64_C(1) << CAP_SYS_ADMIN;
	EXPECT(stay_with_few);
	begin();
	container.capabilities.permitted = UINT64_C(1) << CAP_SYS_ADMIN;
	EXPECT(stay_with_few);
}

static int cover(void *context, struct error *e)
{
	size_t *count = context;

	make_host(*count);
	if (prepare(e) < 0)
		return -1;
	skip_unless(container.kernel_mounts >= 0);
	/* Which of them it is tells whether the root may just lie on top. */
	return container.leaves_host && container.covers_root == !container.capabilities.permitted
		       ? 0
		       : error_config(e, "it is not so with %zu mounts", *count);
}

static int cover_many(void *context, struct error *e)
{
	size_t many = MOUNTS_OF_HOST;

	(void)context;
	return cover(&many, e);
}

static int cover_few(void *context, struct error *e)
{
	size_t none = 0;

	(void)context;
	return cover(&none, e);
}

TEST(lies_on_top_where_nobody_can_take_it_off)
{
	begin();
	EXPECT(cover_few);
	EXPECT(cover_many);
	container.capabilities.permitted = UINT64_C(1) << CAP_SYS_ADMIN;
	EXPECT(cover_many);
}

/* A procfs whose second process is anybody. */
static int find_in_other_pids(void *context, struct error *e)
{
	int status;
	pid_t pid;

	(void)context;
	make_host(MOUNTS_OF_HOST);
	skip_unless(unshare(CLONE_NEWPID) == 0);
	pid = fork();
	if (pid == 0) {
		if (sys_mount("proc", "/proc", "proc", 0, NULL) < 0)
			_exit(2);
		container.proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
		pid = fork();
		if (pid == 0) {
			pause();
			_exit(0);
		}
		_exit(prepare(e) < 0 || container.leaves_host);
	}
	return waitpid(pid, &status, 0) == pid && status == 0
		       ? 0
		       : error_config(e, "status %#x", (unsigned int)status);
}

TEST(does_not_take_another_process_for_the_kernels)
{
	begin();
	EXPECT(find_in_other_pids);
}

/* -- enter ------------------------------------------------------------------------------------- */

static int enter(void *context, struct error *e)
{
	unsigned long before;
	int fd;

	(void)context;
	make_host(MOUNTS_OF_HOST);
	before = own_namespace();
	if (prepare(e) < 0)
		return -1;
	skip_unless(container.leaves_host);
	fd = container.kernel_mounts;
	if (step_kernel_mounts.apply(&container, e) < 0)
		return -1;
	if (container.leaves_host || container.kernel_mounts != -1 || fcntl(fd, F_GETFD) >= 0)
		return error_config(e, "it is still open");
	if (own_namespace() == before || count_mounts() != 1)
		return error_config(e, "%zu mounts", count_mounts());
	/* It is a copy: what happens in it happens nowhere else. */
	if (sys_mount("tmpfs", "/", "tmpfs", 0, NULL) < 0 || count_mounts() != 2)
		return error_config(e, "nothing can be mounted in it");
	return 0;
}

TEST(begins_with_next_to_nothing)
{
	begin();
	EXPECT(enter);
	EXPECT(find); /* the kernel's own is as it was */
}

static int enter_without(void *context, struct error *e)
{
	unsigned long before;

	(void)context;
	make_host(MOUNTS_OF_HOST);
	before = own_namespace();
	container.leaves_host = container.covers_root = true;
	container.kernel_mounts = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (step_kernel_mounts.apply(&container, e) < 0)
		return -1;
	if (own_namespace() == before || count_mounts() != MOUNTS_OF_HOST || container.covers_root)
		return error_config(e, "the host's are not copied");
	return 0;
}

TEST(copies_the_hosts_where_it_cannot_be_entered)
{
	begin();
	EXPECT(enter_without);
}

/* -- narrow ------------------------------------------------------------------------------------ */

static int narrow(void *context, struct error *e)
{
	unsigned long before;

	(void)context;
	make_host(MOUNTS_OF_HOST);
	before = own_namespace();
	container.new_namespaces |= CLONE_NEWUSER;
	if (prepare(e) < 0)
		return -1;
	skip_unless(container.narrows_host);
	if (!container.staged || container.leaves_host)
		return error_config(e, "the stage is not to do it");
	if (narrow_host(&container, e) < 0)
		return -1;
	if (container.kernel_mounts != -1 || own_namespace() == before)
		return error_config(e, "it is still the host's");
	if (type_of("/proc") != 0x9fa0 || type_of("/sys") != 0x62656572 ||
	    access("/dev/null", W_OK) < 0 || access("/tmp", F_OK) == 0)
		return error_config(e, "not these file systems");
	/* The kernel grants a new one where it sees a whole one. */
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) < 0 || count_mounts() > 100)
		return error_config(e, "%zu mounts", count_mounts());
	return sys_mount("sysfs", "/sys", "sysfs", 0, NULL) == 0
		       ? 0
		       : error_errno(e, errno, "mount a sysfs");
}

TEST(narrows_the_host_for_a_user_namespace)
{
	begin();
	EXPECT(narrow);
	EXPECT(find); /* nothing has changed in it, or on the host */
}

static int narrow_without(void *context, struct error *e)
{
	unsigned long before;

	(void)context;
	make_host(MOUNTS_OF_HOST);
	before = own_namespace();
	container.narrows_host = true;
	container.kernel_mounts = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return narrow_host(&container, e) == 0 && own_namespace() == before &&
			       count_mounts() == MOUNTS_OF_HOST
		       ? 0
		       : error_config(e, "it has left the host's");
}

TEST(leaves_the_host_as_it_is_where_the_kernels_cannot_be_entered)
{
	begin();
	EXPECT(narrow_without);
}

/* ---------------------------------------------------------------------------------------------- */

static int do_nothing(void *context, struct error *e)
{
	unsigned long before;

	(void)context;
	make_host(0);
	before = own_namespace();
	return step_kernel_mounts.apply(&container, e) == 0 && narrow_host(&container, e) == 0 &&
			       own_namespace() == before
		       ? 0
		       : error_config(e, "it has made one");
}

TEST(does_nothing_where_the_container_began_with_the_hosts)
{
	begin();
	EXPECT(do_nothing);
}

RUN_TESTS("kernel-mounts", finds_the_kernels_own, stays_where_the_hosts_mounts_are_needed,
	  stays_where_a_user_namespace_takes_more_than_the_kernels_file_systems,
	  stays_where_the_host_has_few_and_its_root_could_be_taken_off,
	  lies_on_top_where_nobody_can_take_it_off, narrows_the_host_for_a_user_namespace,
	  leaves_the_host_as_it_is_where_the_kernels_cannot_be_entered,
	  does_not_take_another_process_for_the_kernels, begins_with_next_to_nothing,
	  copies_the_hosts_where_it_cannot_be_entered,
	  does_nothing_where_the_container_began_with_the_hosts)
