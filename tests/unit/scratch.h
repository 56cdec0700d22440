/*
 * A container's file system on trial: a scratch rootfs, the plan of a small config for it, and init's own
 * steps, run in a child with namespaces of its own.  What the child sees in there it reports as text, which
 * the test compares.  It works for a plain user too, in a user namespace.
 */
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "basic/syscalls.h"
#include "child.h"
#include "linux/section.h"

struct scratch {
	char path[64]; /* of the scratch directory: rootfs lies in it, and what is the host's */
	char rootfs[80];
	int namespaces;	 /* CLONE_NEW*, for the child */
	bool late_pivot; /* as with createContainer hooks: "/" becomes the container's at the end */
	void (*before_attach)(struct scratch *scratch); /* what an attacker does meanwhile */
	void (*look)(struct scratch *scratch);		/* what is to be reported */
	struct arena arena;
	struct oci_config config;
	struct oci_root root;
	struct oci_process process;
	struct oci_user user;
	struct oci_linux properties;
	struct oci_namespace mount_namespace;
	struct container container;
	struct error *report;
};

__attribute__((format(printf, 2, 3))) static inline void report(struct scratch *s,
								const char *format, ...)
{
	size_t used = strlen(s->report->text);
	va_list args;

	va_start(args, format);
	vsnprintf(s->report->text + used, sizeof(s->report->text) - used, format, args);
	va_end(args);
}

enum { ROOM = 256 };

/* One of a few static buffers of this size: a line of code may use several. */
static inline char *room(void)
{
	static char buffers[8][ROOM];
	static int next;

	return buffers[next++ % 8];
}

/* The path of a thing of the host's. */
static inline const char *host(const struct scratch *s, const char *name)
{
	char *path = room();

	snprintf(path, ROOM, "%s/%s", s->path, name);
	return path;
}

static inline void put_file(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		abort();
	close(fd);
}

static inline void put_directory(const char *path)
{
	if (mkdir(path, 0755) < 0)
		abort();
}

/* What a file holds, up to its first line's end; "-" if it can't be read. */
static inline const char *content(const char *path)
{
	char *text = room();
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t length = fd < 0 ? -1 : read(fd, text, ROOM - 1);

	if (fd >= 0)
		close(fd);
	if (length < 0)
		return "-";
	text[length] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static inline const char *flags_of(const char *path)
{
	char *text = room();
	struct statfs status;

	if (statfs(path, &status) < 0)
		return "-";
	snprintf(text, ROOM, "%s%s%s%s", status.f_flags & 1 ? "ro" : "rw",
		 status.f_flags & 2 ? ",nosuid" : "", status.f_flags & 4 ? ",nodev" : "",
		 status.f_flags & 8 ? ",noexec" : "");
	return text;
}

/* The flags of a read-only mount in a user namespace: those that the host's has stay. */
static inline const char *read_only_as_the_hosts(const char *path)
{
	const char *flags = flags_of(path);
	char *text = room();

	snprintf(text, ROOM, "ro%s", flags + strcspn(flags, ","));
	return text;
}

static inline unsigned long type_of(const char *path)
{
	struct statfs status;

	return statfs(path, &status) == 0 ? (unsigned long)status.f_type : 0;
}

/* The optional fields of a mount in /proc/self/mountinfo: "shared", "master", both or "". */
static inline const char *propagation_of(const char *path)
{
	char *text = room();
	char line[1024], where[256];
	FILE *file = fopen("/proc/self/mountinfo", "re");

	snprintf(text, ROOM, "none");
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*s %*s %*s %*s %255s", where) != 1 || strcmp(where, path) != 0)
			continue;
		snprintf(text, ROOM, "%s%s%s", strstr(line, " shared:") ? "shared" : "",
			 strstr(line, " master:") ? "slave" : "",
			 strstr(line, " unbindable ") ? "unbindable" : "");
	}
	if (file)
		fclose(file);
	return text;
}

/* On some machines /tmp is nosuid and nodev, and so would be what is in it. */
static inline const char *scratch_place(void)
{
	struct statfs status;

	return statfs("/tmp", &status) == 0 && (status.f_flags & (ST_NOSUID | ST_NODEV | ST_NOEXEC))
		       ? "/var/tmp"
		       : "/tmp";
}

static inline void scratch_know_self(struct scratch *s)
{
	struct error err = {0};
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (proc < 0 || self_read(proc, &s->container.self, &err) < 0)
		abort();
	s->container.proc_fd = proc;
}

static inline void scratch_begin(struct scratch *s)
{
	struct error err = {0};
	const char *const directories[] = {"rootfs",	 "rootfs/proc", "rootfs/dev", "rootfs/sys",
					   "rootfs/tmp", "rootfs/etc",	"host"};

	memset(s, 0, sizeof(*s));
	snprintf(s->path, sizeof(s->path), "%s/proa-unit.XXXXXX", scratch_place());
	if (!mkdtemp(s->path) || chmod(s->path, 0755) < 0)
		abort();
	snprintf(s->rootfs, sizeof(s->rootfs), "%s/rootfs", s->path);
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		put_directory(host(s, directories[i]));
	if (chmod(host(s, "rootfs/tmp"), 01777) < 0 || arena_open_private(&s->arena, &err) < 0)
		abort();
	s->namespaces = CLONE_NEWNS | (geteuid() == 0 ? 0 : CLONE_NEWUSER);
	s->root.path = s->rootfs;
	s->mount_namespace.type = "mount";
	s->properties.namespaces = &s->mount_namespace;
	s->properties.namespaces_len = 1;
	s->process.user = &s->user;
	s->config.root = &s->root;
	s->config.linux = &s->properties;
	s->config.process = &s->process;
	s->container.config = &s->config;
	s->container.bundle = s->path;
	s->container.arena = &s->arena;
	s->container.host_privileges = geteuid() == 0;
	scratch_know_self(s);
}

static inline void scratch_end(struct scratch *s)
{
	char command[128];

	close(s->container.proc_fd);
	arena_release(&s->arena);
	snprintf(command, sizeof(command), "rm -rf --one-file-system %s", s->path);
	if (system(command) != 0)
		abort();
}

static inline int scratch_validate(struct scratch *s, struct error *err)
{
	const struct section *const sections[] = {
		&section_root,
		&section_mounts,
		&section_terminal,
		&section_devices,
		&section_masked_paths,
		&section_readonly_paths,
		&section_rootfs_propagation,
	};

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (sections[i]->validate && sections[i]->validate(&s->config, err) < 0)
			return -err->code;
	return 0;
}

static inline int scratch_prepare(struct scratch *s, struct error *err)
{
	const struct section *const sections[] = {&section_rootfs_propagation, &section_root,
						  &section_mounts, &section_devices};

	if (scratch_validate(s, err) < 0)
		return -err->code;
	if (!s->container.new_namespaces && !s->container.joined_namespaces)
		s->container.new_namespaces = s->namespaces;
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (sections[i]->prepare(&s->container, err) < 0)
			return -err->code;
	return 0;
}

/* As a plain user may: the own id is root's, and there is no other. */
static inline void enter_user_namespace(void)
{
	unsigned int uid = geteuid(), gid = getegid();
	char map[32];

	skip_unless(unshare(CLONE_NEWUSER) == 0);
	put_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	put_file("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "0 %u 1", gid);
	put_file("/proc/self/gid_map", map);
}

static inline void enter_namespaces(int namespaces)
{
	int status;
	pid_t pid;

	if (namespaces & CLONE_NEWUSER)
		enter_user_namespace();
	skip_unless(unshare(namespaces & ~CLONE_NEWUSER) == 0);
	if (!(namespaces & CLONE_NEWPID))
		return;
	pid = fork();
	if (pid == 0)
		return;
	if (waitpid(pid, &status, 0) != pid)
		_exit(1);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static inline int apply_steps(struct scratch *s, const struct step *const *steps, struct error *err)
{
	for (; *steps; steps++) {
		if ((*steps)->apply(&s->container, err) < 0)
			return -err->code;
	}
	return 0;
}

static inline int scratch_child(void *context, struct error *err)
{
	static const struct step *const open_steps[] = {
		&step_mounts_open, &step_mounts_open_cgroups, &step_devices_open, &step_masked_open,
		NULL};
	static const struct step *const attach_steps[] = {&step_root_attach, NULL};
	static const struct step *const pivot_steps[] = {&step_root_enter, NULL};
	static const struct step *const fill_steps[] = {
		&step_mounts_attach,  &step_devices,	   &step_terminal,    &step_masked_paths,
		&step_readonly_paths, &step_mounts_finish, &step_root_finish, NULL};
	struct scratch *s = context;

	enter_namespaces(s->namespaces);
	if (apply_steps(s, open_steps, err) < 0)
		return -err->code;
	if (s->before_attach)
		s->before_attach(s);
	if (apply_steps(s, attach_steps, err) < 0)
		return -err->code;
	if (!s->late_pivot && apply_steps(s, pivot_steps, err) < 0)
		return -err->code;
	if (apply_steps(s, fill_steps, err) < 0)
		return -err->code;
	if (s->late_pivot && apply_steps(s, pivot_steps, err) < 0)
		return -err->code;
	memset(err, 0, sizeof(*err));
	s->report = err;
	if (s->look)
		s->look(s);
	return 0;
}

/* The whole way.  *err is the error, or, when it returns 0, what look() reported. */
static inline int scratch_run(struct scratch *s, struct error *err)
{
	memset(err, 0, sizeof(*err));
	if (scratch_prepare(s, err) < 0)
		return -err->code;
	return in_child(scratch_child, s, err);
}

/* It must have gone well and have reported this, unless the machine does not allow it to be tried. */
static inline void scratch_expect(struct scratch *s, const char *expected)
{
	struct error err;
	int r = scratch_run(s, &err);

	if (r == CHILD_SKIPPED) {
		printf("skipped: no namespaces for this user here\n");
		return;
	}
	ck_assert_msg(r == 0, "%s (%s)", err.text, err.hint);
	ck_assert_str_eq(err.text, expected);
}

/* It must have failed with this text. */
static inline void scratch_expect_error(struct scratch *s, const char *expected)
{
	struct error err;
	int r = scratch_run(s, &err);

	if (r == CHILD_SKIPPED)
		return;
	ck_assert_msg(r < 0, "it went well");
	ck_assert_str_eq(err.text, expected);
}

/* The config's mounts; the last one is {0}. */
static inline void set_mounts(struct scratch *s, struct oci_mount *mounts)
{
	s->config.mounts = mounts;
	s->config.mounts_len = 0;
	while (mounts[s->config.mounts_len].destination)
		s->config.mounts_len++;
	for (size_t i = 0; i < s->config.mounts_len; i++)
		while (mounts[i].options && mounts[i].options[mounts[i].options_len])
			mounts[i].options_len++;
}

#define OPTIONS(...) ((const char *[]){__VA_ARGS__, NULL})
#define MOUNTS(...)  ((struct oci_mount[]){__VA_ARGS__, {.destination = NULL}})
#define PROC                                                             \
	{                                                                \
		.destination = "/proc", .type = "proc", .source = "proc" \
	}
