/*
 * The default configuration: no more rights than a shell needs.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md
 *
 * What is hidden of /proc and /sys is what any of the common engines and runtimes hides: it tells
 * of the host or has let containers act on it.
 */
#include "runtime/default-config.h"

#include <string.h>
#include <unistd.h>

#include "libocispec/encode.h"
#include "libocispec/types.h"

#define PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Lists are written as words with commas between them. */
static const char capabilities[] = "CAP_AUDIT_WRITE,CAP_KILL,CAP_NET_BIND_SERVICE";
static const char masked_paths[] = "/proc/acpi,/proc/asound,/proc/interrupts,/proc/kcore,"
				   "/proc/keys,/proc/latency_stats,/proc/sched_debug,/proc/scsi,"
				   "/proc/timer_list,/proc/timer_stats,"
				   "/sys/devices/virtual/powercap,/sys/firmware";
static const char readonly_paths[] = "/proc/bus,/proc/fs,/proc/irq,/proc/sys,/proc/sysrq-trigger";

enum whose { ANYBODY, ROOT, PLAIN_USER };

/* A plain user has no group 5, may not mount a sysfs without a network namespace, and has no cgroup
 * to look at.  The host's /sys comes with its mounts below, cgroups among them: all are read-only. */
static const struct {
	enum whose whose;
	const char *destination, *type, *source, *options;
} mounts[] = {
	{ANYBODY, "/proc", "proc", "proc", "nosuid,noexec,nodev"},
	{ANYBODY, "/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k"},
	{ROOT, "/dev/pts", "devpts", "devpts",
	 "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5"},
	{PLAIN_USER, "/dev/pts", "devpts", "devpts",
	 "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620"},
	{ANYBODY, "/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=65536k"},
	{ANYBODY, "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev"},
	{ROOT, "/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro"},
	{PLAIN_USER, "/sys", "none", "/sys", "rbind,nosuid,noexec,nodev,rro"},
	{ROOT, "/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,relatime,ro"},
};

static const struct {
	enum whose whose;
	const char *type;
} namespaces[] = {
	{ANYBODY, "pid"},   {ROOT, "network"},	 {ANYBODY, "ipc"},     {ANYBODY, "uts"},
	{ANYBODY, "mount"}, {ANYBODY, "cgroup"}, {PLAIN_USER, "user"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What is being built; full is set when anything did not fit, and looked at once, in the end. */
struct builder {
	struct arena *arena;
	enum whose whose;
	bool full;
};

static bool is_wanted(const struct builder *builder, enum whose whose)
{
	return whose == ANYBODY || whose == builder->whose;
}

/* The words between the commas. */
static const char **split(struct builder *builder, const char *text, size_t *count)
{
	char *rest = arena_copy(builder->arena, text, strlen(text));
	const char **words, *word;

	*count = 1;
	for (const char *comma = strchr(text, ','); comma; comma = strchr(comma + 1, ','))
		++*count;
	words = arena_array(builder->arena, const char *, *count + 1);
	if (!rest || !words) {
		builder->full = true;
		*count = 0;
		return NULL;
	}
	for (size_t i = 0; (word = strsep(&rest, ",")); i++)
		words[i] = word;
	return words;
}

static void build_mounts(struct builder *builder, struct oci_config *config)
{
	config->mounts = arena_array(builder->arena, struct oci_mount, COUNT(mounts));
	builder->full = builder->full || !config->mounts;
	for (size_t i = 0; i < COUNT(mounts) && !builder->full; i++) {
		struct oci_mount *mount = &config->mounts[config->mounts_len];

		if (!is_wanted(builder, mounts[i].whose))
			continue;
		mount->destination = mounts[i].destination;
		mount->type = mounts[i].type;
		mount->source = mounts[i].source;
		mount->options = split(builder, mounts[i].options, &mount->options_len);
		config->mounts_len++;
	}
}

static void build_namespaces(struct builder *builder, struct oci_linux *part)
{
	part->namespaces = arena_array(builder->arena, struct oci_namespace, COUNT(namespaces));
	builder->full = builder->full || !part->namespaces;
	for (size_t i = 0; i < COUNT(namespaces) && !builder->full; i++)
		if (is_wanted(builder, namespaces[i].whose))
			part->namespaces[part->namespaces_len++].type = namespaces[i].type;
}

static void build_process(struct builder *builder, struct oci_process *process)
{
	struct oci_capabilities *sets = process->capabilities;

	process->terminal = true;
	process->no_new_privileges = true;
	process->cwd = "/";
	process->args = split(builder, "sh", &process->args_len);
	process->env = split(builder, "PATH=" PATH ",TERM=xterm", &process->env_len);
	sets->bounding = split(builder, capabilities, &sets->bounding_len);
	sets->effective = split(builder, capabilities, &sets->effective_len);
	sets->permitted = split(builder, capabilities, &sets->permitted_len);
}

const char *default_config(bool rootless, struct arena *arena)
{
	struct builder builder = {.arena = arena, .whose = rootless ? PLAIN_USER : ROOT};
	struct oci_device_rule no_devices = {.access = "rwm"};
	struct oci_resources resources = {.devices = &no_devices, .devices_len = 1};
	struct oci_id_mapping uid = {.host_id = geteuid(), .size = 1};
	struct oci_id_mapping gid = {.host_id = getegid(), .size = 1};
	struct oci_linux part = {.resources = rootless ? NULL : &resources};
	struct oci_rlimit files = {.type = "RLIMIT_NOFILE", .soft = 1024, .hard = 1024};
	struct oci_capabilities sets = {0};
	struct oci_user user = {0};
	struct oci_process process = {
		.user = &user,
		.capabilities = &sets,
		.rlimits = &files,
		.rlimits_len = 1,
	};
	struct oci_root root = {.path = "rootfs", .readonly = true};
	struct oci_config config = {
		.oci_version = "1.3.0",
		.process = &process,
		.root = &root,
		.hostname = "proa",
		.linux = &part,
	};

	build_process(&builder, &process);
	build_mounts(&builder, &config);
	build_namespaces(&builder, &part);
	if (rootless) {
		part.uid_mappings = &uid;
		part.gid_mappings = &gid;
		part.uid_mappings_len = part.gid_mappings_len = 1;
	}
	part.masked_paths = split(&builder, masked_paths, &part.masked_paths_len);
	part.readonly_paths = split(&builder, readonly_paths, &part.readonly_paths_len);
	return builder.full ? NULL : oci_encode(&oci_config_object, &config, arena, OCI_PRETTY);
}
