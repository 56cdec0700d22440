#include <errno.h>

#include "scratch.h"
#include "unit.h"

static struct scratch s;
static struct error err;

static void begin(void (*look)(struct scratch *scratch), const char **paths)
{
	static struct oci_mount mounts[2];

	scratch_begin(&s);
	mounts[0] = (struct oci_mount)PROC;
	set_mounts(&s, mounts);
	s.look = look;
	s.properties.masked_paths = paths;
	while (paths[s.properties.masked_paths_len])
		s.properties.masked_paths_len++;
	put_file(host(&s, "rootfs/etc/secret"), "secret");
	put_directory(host(&s, "rootfs/etc/keys"));
	put_file(host(&s, "rootfs/etc/keys/key"), "secret");
}

static const char *device_of(const char *path)
{
	char *text = room();
	struct stat status;

	snprintf(text, ROOM, "%lx", stat(path, &status) == 0 ? (unsigned long)status.st_dev : 0);
	return text;
}

static void look_at_masks(struct scratch *scratch)
{
	(void)scratch;
	report(&s, "file \"%s\", directory %s \"%s\", ", content("/etc/secret"),
	       flags_of("/etc/keys"), content("/etc/keys/key"));
	report(&s, "proc \"%s\" \"%s\", ", content("/proc/version"), content("/proc/uptime"));
	report(&s, "%s",
	       strcmp(device_of("/etc/keys"), device_of("/proc/sys")) == 0 ? "shared" : "apart");
}

static const char *paths[] = {"/etc/secret",	 "/etc/keys",	  "/proc/version", "/proc/uptime",
			      "/proc/not/there", "/etc/secret/x", "/proc/sys",	   NULL};
static const char masked[] =
	"file \"\", directory ro,nosuid,nodev,noexec \"-\", proc \"\" \"\", shared";

TEST(covers_files_and_directories)
{
	begin(look_at_masks, paths);
	scratch_expect(&s, masked);
	scratch_end(&s);
}

TEST(covers_them_in_a_user_namespace)
{
	begin(look_at_masks, paths);
	s.namespaces |= CLONE_NEWUSER;
	scratch_expect(&s, masked);
	scratch_end(&s);
}

static void look_at_keys(struct scratch *scratch)
{
	(void)scratch;
	report(&s, "\"%s\", writable %d", content("/proc/keys"),
	       open("/proc/keys", O_WRONLY) >= 0 &&
		       strcmp(content("/proc/sys/kernel/hostname"), "-") == 0);
}

/* B3: what the container calls /dev/null has no part in it. */
TEST(does_not_use_the_containers_null_device)
{
	static const char *keys[] = {"/proc/keys", NULL};

	if (geteuid() != 0)
		return;
	begin(look_at_keys, keys);
	set_mounts(&s, MOUNTS(PROC, {.destination = "/dev", .type = "bind", .source = "host"}));
	ck_assert_int_eq(symlink("/proc/sys/kernel/hostname", host(&s, "host/null")), 0);
	scratch_expect(&s, "\"\", writable 0");
	scratch_end(&s);
}

TEST(needs_a_new_mount_namespace)
{
	begin(NULL, paths);
	s.properties.namespaces_len = 0;
	ck_assert_int_eq(section_masked_paths.validate(&s.config, &err), -EINVAL);
	ck_assert_str_eq(err.text, "linux.maskedPaths needs a new mount namespace");
	s.properties.namespaces_len = 1;
	s.mount_namespace.path = "/proc/1/ns/mnt";
	ck_assert_int_eq(section_masked_paths.validate(&s.config, &err), -EINVAL);
	scratch_end(&s);
}

TEST(refuses_a_relative_path)
{
	static const char *relative[] = {"/a", "proc/kcore", NULL};

	begin(NULL, relative);
	ck_assert_int_eq(section_masked_paths.validate(&s.config, &err), -EINVAL);
	ck_assert_str_eq(err.text, "linux.maskedPaths[1]: \"proc/kcore\" is not absolute");
	scratch_end(&s);
}

RUN_TESTS("masked-paths", covers_files_and_directories, covers_them_in_a_user_namespace,
	  does_not_use_the_containers_null_device, needs_a_new_mount_namespace,
	  refuses_a_relative_path)
