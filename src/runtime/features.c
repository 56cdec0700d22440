/*
 * The features document.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/features.md
 *	https://github.com/opencontainers/runtime-spec/blob/main/features-linux.md
 *
 * Nothing is claimed here that could come to differ from what the rest does.  Names are read from the very
 * tables that parse them.  Where a table does not decide, a small config which uses the feature is shown to
 * the sections that validate every config, and what one of them refuses is not a feature.
 */
#include "runtime/features.h"

#include <stdbool.h>
#include <string.h>

#include "cgroup/cgroup.h"
#include "cgroup/controller.h"
#include "launch/order.h"
#include "libocispec/encode.h"
#include "linux/capability-names.h"
#include "linux/memory-policy.h"
#include "linux/mount-options.h"
#include "linux/namespaces.h"
#include "linux/seccomp-calls.h"
#include "linux/seccomp-names.h"

/* Annotations that change what proa does with a container: an engine must not let just anybody set them.
 * One that ends with a dot stands for all that begin so. */
static const char *const unsafe_annotations[] = {"org.criu.config", "org.systemd.property.",
						 "run.oci."};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* -- asking the sections ----------------------------------------------------------------------- */

/* The least that is a config, to add a feature to. */
struct probe {
	struct oci_config config;
	struct oci_root root;
	struct oci_process process;
	struct oci_user user;
	struct oci_linux linux;
	struct oci_namespace namespaces[2];
};

static const char *probe_args[] = {"true", NULL};

static void probe_begin(struct probe *probe)
{
	*probe = (struct probe){
		.config = {.oci_version = "1.3.0"},
		.root = {.path = "rootfs"},
		.process = {.cwd = "/", .args = probe_args, .args_len = 1},
		.namespaces = {{.type = "mount"}, {.type = "network"}},
	};
	probe->process.user = &probe->user;
	probe->linux.namespaces = probe->namespaces;
	probe->linux.namespaces_len = COUNT(probe->namespaces);
	probe->config.root = &probe->root;
	probe->config.process = &probe->process;
	probe->config.linux = &probe->linux;
}

static bool is_accepted(const struct probe *probe)
{
	struct error ignored = {0};

	for (const struct section *const *section = validate_order; *section; section++)
		if ((*section)->validate && (*section)->validate(&probe->config, &ignored) < 0)
			return false;
	return true;
}

static bool takes_process(const char *apparmor_profile, const char *selinux_label)
{
	struct probe probe;

	probe_begin(&probe);
	probe.process.apparmor_profile = apparmor_profile;
	probe.process.selinux_label = selinux_label;
	return is_accepted(&probe);
}

static bool takes_seccomp_action(const char *action)
{
	const char *names[] = {"getcwd", NULL};
	struct oci_syscall rule = {.names = names, .names_len = 1, .action = action};
	struct oci_seccomp seccomp = {
		.default_action = "SCMP_ACT_ALLOW",
		.listener_path = "/run/listener",
		.syscalls = &rule,
		.syscalls_len = 1,
	};
	struct probe probe;

	probe_begin(&probe);
	probe.linux.seccomp = &seccomp;
	return is_accepted(&probe);
}

static bool takes_intel_rdt(struct oci_intel_rdt intel_rdt)
{
	struct probe probe;

	probe_begin(&probe);
	probe.linux.intel_rdt = &intel_rdt;
	return is_accepted(&probe);
}

static bool takes_mapped_mount(void)
{
	const char *options[] = {"bind", NULL};
	struct oci_id_mapping ids = {.host_id = 1000, .size = 1};
	struct oci_mount mount = {
		.destination = "/mnt",
		.source = "/mnt",
		.options = options,
		.options_len = 1,
		.uid_mappings = &ids,
		.uid_mappings_len = 1,
		.gid_mappings = &ids,
		.gid_mappings_len = 1,
	};
	struct probe probe;

	probe_begin(&probe);
	probe.config.mounts = &mount;
	probe.config.mounts_len = 1;
	return is_accepted(&probe);
}

static bool takes_net_device(void)
{
	struct oci_net_device_entry device = {.key = "eth0"};
	struct probe probe;

	probe_begin(&probe);
	probe.linux.net_devices = &device;
	probe.linux.net_devices_len = 1;
	return is_accepted(&probe);
}

static bool takes_rdma(void)
{
	struct oci_rdma_entry limit = {
		.key = "mlx5_1",
		.value = {.hca_handles = 1, .has_hca_handles = true},
	};
	struct oci_resources resources = {.rdma = &limit, .rdma_len = 1};
	struct error ignored = {0};

	return limits_check(&resources, &ignored) == 0;
}

/* -- lists ------------------------------------------------------------------------------------- */

/* What is being built; full is set when anything did not fit, and looked at once, in the end. */
struct builder {
	struct arena *arena;
	bool full;
};

static void *allocate(struct builder *builder, size_t size)
{
	void *memory = builder->full ? NULL : arena_alloc(builder->arena, size);

	builder->full = !memory;
	return memory;
}

static const char **allocate_list(struct builder *builder, size_t count)
{
	return allocate(builder, (count + 1) * sizeof(const char *));
}

/* The words that at() tells one by one, until it says NULL. */
static const char **list(struct builder *builder, const char *(*at)(size_t index), size_t *len)
{
	const char **items;
	size_t count = 0;

	while (at(count))
		count++;
	items = allocate_list(builder, count);
	for (size_t i = 0; items && i < count; i++)
		items[i] = at(i);
	*len = items ? count : 0;
	return items;
}

/* The names in a table that are taken; without takes, all. */
static const char **list_names(struct builder *builder, const struct name *table,
			       bool (*takes)(const char *), size_t *len)
{
	const char **items;
	size_t count = 0, kept = 0;

	while (table[count].text[0])
		count++;
	items = allocate_list(builder, count);
	for (size_t i = 0; items && i < count; i++)
		if (!takes || takes(table[i].text))
			items[kept++] = table[i].text;
	*len = kept;
	return items;
}

/* The kinds of hooks are the keys of the object that holds them. */
static const char *hook_kind(size_t index)
{
	return index < oci_hooks_object.fields_len ? oci_fields(&oci_hooks_object)[index].name
						   : NULL;
}

static const char *unsafe_annotation(size_t index)
{
	return index < COUNT(unsafe_annotations) ? unsafe_annotations[index] : NULL;
}

static const char **list_capabilities(struct builder *builder, size_t *len)
{
	const char **items;
	char name[32];
	size_t count = 0;

	/* A number that has no name is told as "CAP_99", which no config may say. */
	do
		capability_name((int)count, name, sizeof(name));
	while (capability_number(name) == (int)count++);
	*len = 0;
	items = allocate_list(builder, --count);
	for (size_t i = 0; items && i < count; i++) {
		capability_name((int)i, name, sizeof(name));
		items[i] = arena_copy(builder->arena, name, strlen(name));
		builder->full = builder->full || !items[i];
	}
	*len = items ? count : 0;
	return items;
}

/* -- the document ------------------------------------------------------------------------------ */

static struct oci_features_switch *build_switch(struct builder *builder, bool enabled)
{
	struct oci_features_switch *built = allocate(builder, sizeof(*built));

	if (built)
		*built = (struct oci_features_switch){.enabled = enabled, .has_enabled = true};
	return built;
}

static struct oci_features_cgroup *build_cgroup(struct builder *builder)
{
	struct oci_features_cgroup *built = allocate(builder, sizeof(*built));
	struct error ignored = {0};
	bool systemd = cgroup_check_manager("systemd", &ignored) == 0;

	if (built)
		*built = (struct oci_features_cgroup){
			.v1 = true,
			.has_v1 = true,
			.v2 = true,
			.has_v2 = true,
			.systemd = systemd,
			.has_systemd = true,
			.systemd_user = systemd,
			.has_systemd_user = true,
			.rdma = takes_rdma(),
			.has_rdma = true,
		};
	return built;
}

static struct oci_features_seccomp *build_seccomp(struct builder *builder)
{
	struct oci_features_seccomp *built = allocate(builder, sizeof(*built));

	if (!built)
		return NULL;
	built->enabled = built->has_enabled = true;
	built->actions =
		list_names(builder, seccomp_actions, takes_seccomp_action, &built->actions_len);
	built->operators = list_names(builder, seccomp_operators, NULL, &built->operators_len);
	built->archs = list_names(builder, seccomp_architectures, NULL, &built->archs_len);
	built->known_flags = list_names(builder, seccomp_flags, NULL, &built->known_flags_len);
	/* All are handed to the kernel as they are: proa itself lacks none of them. */
	built->supported_flags = built->known_flags;
	built->supported_flags_len = built->known_flags_len;
	return built;
}

static struct oci_features_intel_rdt *build_intel_rdt(struct builder *builder)
{
	struct oci_features_intel_rdt *built = allocate(builder, sizeof(*built));
	const char *schemata[] = {"L3:0=f", NULL};

	if (!built)
		return NULL;
	*built = (struct oci_features_intel_rdt){
		.enabled = takes_intel_rdt((struct oci_intel_rdt){.clos_id = "class"}),
		.has_enabled = true,
		.schemata = takes_intel_rdt(
			(struct oci_intel_rdt){.schemata = schemata, .schemata_len = 1}),
		.has_schemata = true,
		.monitoring = takes_intel_rdt((struct oci_intel_rdt){.enable_monitoring = true}),
		.has_monitoring = true,
	};
	return built;
}

static struct oci_features_memory_policy *build_memory_policy(struct builder *builder)
{
	struct oci_features_memory_policy *built = allocate(builder, sizeof(*built));

	if (!built)
		return NULL;
	built->modes = list_names(builder, memory_policy_modes, NULL, &built->modes_len);
	built->flags = list_names(builder, memory_policy_flags, NULL, &built->flags_len);
	return built;
}

static struct oci_features_mount_extensions *build_mount_extensions(struct builder *builder)
{
	struct oci_features_mount_extensions *built = allocate(builder, sizeof(*built));

	if (built)
		built->idmap = build_switch(builder, takes_mapped_mount());
	return built;
}

static struct oci_features_linux *build_linux(struct builder *builder)
{
	struct oci_features_linux *built = allocate(builder, sizeof(*built));

	if (!built)
		return NULL;
	built->namespaces = list(builder, namespace_type, &built->namespaces_len);
	built->capabilities = list_capabilities(builder, &built->capabilities_len);
	built->cgroup = build_cgroup(builder);
	built->seccomp = build_seccomp(builder);
	built->apparmor = build_switch(builder, takes_process("profile", NULL));
	built->selinux = build_switch(builder, takes_process(NULL, "u:r:t:s0"));
	built->intel_rdt = build_intel_rdt(builder);
	built->memory_policy = build_memory_policy(builder);
	built->mount_extensions = build_mount_extensions(builder);
	built->net_devices = build_switch(builder, takes_net_device());
	return built;
}

/* Key by key.  containerd looks for runc's. */
static struct oci_pair *build_annotations(struct builder *builder, const char *commit, size_t *len)
{
	struct oci_pair *built = allocate(builder, 5 * sizeof(*built));

	*len = 0;
	if (!built)
		return NULL;
	built[0] = (struct oci_pair){"io.github.seccomp.libseccomp.version", seccomp_calls_version};
	built[1] = (struct oci_pair){"org.opencontainers.runc.checkpoint.enabled", "true"};
	built[2] = (struct oci_pair){"run.oci.proa.commit", commit};
	built[3] = (struct oci_pair){"run.oci.proa.version", PACKAGE_VERSION};
	*len = 4;
	return built;
}

const char *features_document(const char *commit, struct arena *arena)
{
	struct builder builder = {.arena = arena};
	struct oci_features features = {
		.oci_version_min = "1.0.0",
		.oci_version_max = "1.3.0",
	};

	features.hooks = list(&builder, hook_kind, &features.hooks_len);
	features.mount_options = list(&builder, mount_option_word, &features.mount_options_len);
	features.linux = build_linux(&builder);
	features.annotations = build_annotations(&builder, commit, &features.annotations_len);
	features.potentially_unsafe_config_annotations = list(
		&builder, unsafe_annotation, &features.potentially_unsafe_config_annotations_len);
	return builder.full ? NULL : oci_encode(&oci_features_object, &features, arena, OCI_PRETTY);
}
