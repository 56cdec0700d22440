#include "runtime/features.h"

#include <string.h>

#include "launch/order.h"
#include "libocispec/decode.h"
#include "linux/capability-names.h"
#include "linux/mount-options.h"
#include "linux/namespaces.h"
#include "linux/seccomp-names.h"
#include "unit.h"

static struct arena arena;

/* The document, as an engine reads it. */
static const struct oci_features *read_document(void)
{
	struct oci_decoded decoded = {0};
	struct oci_source source = {.name = "features"};
	struct error err = {0};

	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	source.text = features_document("0123abc", &arena);
	ck_assert_ptr_nonnull(source.text);
	source.length = strlen(source.text);
	ck_assert_msg(oci_decode(&oci_features_object, &source, &arena, &decoded, &err) == 0, "%s",
		      err.text);
	ck_assert_uint_eq(decoded.unknown_keys, 0);
	return decoded.value;
}

static bool has(const char *const *items, size_t len, const char *word)
{
	for (size_t i = 0; i < len; i++)
		if (strcmp(items[i], word) == 0)
			return true;
	return false;
}

static void expect_names(const char **items, size_t len, const struct name *table)
{
	size_t count = 0;

	for (; table[count].text[0]; count++)
		ck_assert_str_eq(items[count], table[count].text);
	ck_assert_uint_eq(len, count);
}

static bool is_accepted(const struct oci_config *config)
{
	struct error ignored = {0};

	for (size_t i = 0; validate_order[i]; i++)
		if (validate_order[i]->validate &&
		    validate_order[i]->validate(config, &ignored) < 0)
			return false;
	return true;
}

TEST(tells_versions_which_it_accepts)
{
	const struct oci_features *features = read_document();
	const char *args[] = {"true"};
	struct oci_root root = {.path = "rootfs"};
	struct oci_user user = {0};
	struct oci_process process = {.user = &user, .cwd = "/", .args = args, .args_len = 1};
	struct oci_config config = {.root = &root, .process = &process};

	ck_assert_str_eq(features->oci_version_min, "1.0.0");
	ck_assert_str_eq(features->oci_version_max, "1.3.0");
	config.oci_version = features->oci_version_min;
	ck_assert(is_accepted(&config));
	config.oci_version = features->oci_version_max;
	ck_assert(is_accepted(&config));
}

TEST(tells_all_kinds_of_hooks)
{
	static const char *const kinds[] = {"prestart",	      "createRuntime", "createContainer",
					    "startContainer", "poststart",     "poststop"};
	const struct oci_features *features = read_document();

	ck_assert_uint_eq(features->hooks_len, 6);
	for (size_t i = 0; i < 6; i++)
		ck_assert(has(features->hooks, features->hooks_len, kinds[i]));
}

TEST(tells_the_mount_options_that_are_parsed)
{
	const struct oci_features *features = read_document();
	struct oci_mount mount = {.destination = "/mnt", .source = "/mnt", .type = "bind"};
	struct mount_options options;
	struct error err = {0};

	mount.options_len = 1;
	for (size_t i = 0; i < features->mount_options_len; i++) {
		mount.options = &features->mount_options[i];
		ck_assert_str_eq(features->mount_options[i], mount_option_word(i));
		ck_assert_msg(mount_options_parse(&mount, NULL, &options, &err) == 0, "%s",
			      err.text);
	}
	ck_assert_ptr_null(mount_option_word(features->mount_options_len));
	ck_assert(has(features->mount_options, features->mount_options_len, "rro"));
	ck_assert(!has(features->mount_options, features->mount_options_len, "size=64k"));
}

TEST(tells_the_types_of_namespaces)
{
	const struct oci_features_linux *features = read_document()->linux;

	for (size_t i = 0; i < features->namespaces_len; i++)
		ck_assert_str_eq(features->namespaces[i], namespace_type(i));
	ck_assert_ptr_null(namespace_type(features->namespaces_len));
	ck_assert(has(features->namespaces, features->namespaces_len, "time"));
}

TEST(tells_every_capability_that_has_a_name)
{
	const struct oci_features_linux *features = read_document()->linux;

	ck_assert_uint_ge(features->capabilities_len, 41);
	for (size_t i = 0; i < features->capabilities_len; i++)
		ck_assert_int_eq(capability_number(features->capabilities[i]), (int)i);
}

TEST(tells_the_words_of_seccomp)
{
	const struct oci_features_seccomp *features = read_document()->linux->seccomp;

	ck_assert(features->enabled);
	expect_names(features->operators, features->operators_len, seccomp_operators);
	expect_names(features->archs, features->archs_len, seccomp_architectures);
	expect_names(features->known_flags, features->known_flags_len, seccomp_flags);
	expect_names(features->supported_flags, features->supported_flags_len, seccomp_flags);
	ck_assert(has(features->actions, features->actions_len, "SCMP_ACT_ERRNO"));
	for (size_t i = 0; i < features->actions_len; i++)
		ck_assert_ptr_nonnull(name_find(seccomp_actions, features->actions[i]));
}

TEST(says_yes_or_no_to_everything_the_specification_asks)
{
	const struct oci_features_linux *features = read_document()->linux;

	ck_assert(features->cgroup->has_v1 && features->cgroup->v1);
	ck_assert(features->cgroup->has_v2 && features->cgroup->v2);
	ck_assert(features->cgroup->has_systemd && features->cgroup->has_systemd_user);
	ck_assert(features->cgroup->has_rdma && features->cgroup->rdma);
	ck_assert(features->apparmor->has_enabled && features->selinux->has_enabled);
	ck_assert(features->intel_rdt->has_enabled && features->intel_rdt->has_schemata);
	ck_assert(features->intel_rdt->has_monitoring);
	ck_assert(features->mount_extensions->idmap->has_enabled);
	ck_assert(features->net_devices->has_enabled);
	ck_assert_uint_eq(features->memory_policy->modes_len, 7);
	ck_assert_str_eq(features->memory_policy->modes[6], "MPOL_LOCAL");
	ck_assert_uint_eq(features->memory_policy->flags_len, 3);
	ck_assert_str_eq(features->memory_policy->flags[2], "MPOL_F_STATIC_NODES");
}

/* What is refused must not be offered. */
TEST(agrees_with_what_configs_may_say)
{
	const struct oci_features_linux *features = read_document()->linux;
	const char *args[] = {"true"};
	struct oci_root root = {.path = "rootfs"};
	struct oci_user user = {0};
	struct oci_process process = {.user = &user, .cwd = "/", .args = args, .args_len = 1};
	struct oci_intel_rdt intel_rdt = {.clos_id = "class"};
	struct oci_linux part = {0};
	struct oci_config config = {
		.oci_version = "1.3.0", .root = &root, .process = &process, .linux = &part};

	ck_assert(is_accepted(&config));
	process.apparmor_profile = "profile";
	ck_assert_int_eq(is_accepted(&config), features->apparmor->enabled);
	process.apparmor_profile = NULL;
	process.selinux_label = "u:r:t:s0";
	ck_assert_int_eq(is_accepted(&config), features->selinux->enabled);
	process.selinux_label = NULL;
	part.intel_rdt = &intel_rdt;
	ck_assert_int_eq(is_accepted(&config), features->intel_rdt->enabled);
}

TEST(annotations_tell_versions)
{
	const struct oci_features *features = read_document();

	ck_assert_uint_eq(features->annotations_len, 4);
	ck_assert_str_eq(features->annotations[0].key, "io.github.seccomp.libseccomp.version");
	ck_assert_int_eq(features->annotations[0].value[1], '.');
	ck_assert_str_eq(features->annotations[1].key,
			 "org.opencontainers.runc.checkpoint.enabled");
	ck_assert_str_eq(features->annotations[1].value, "true");
	ck_assert_str_eq(features->annotations[2].key, "run.oci.proa.commit");
	ck_assert_str_eq(features->annotations[2].value, "0123abc");
	ck_assert_str_eq(features->annotations[3].key, "run.oci.proa.version");
	ck_assert_str_eq(features->annotations[3].value, PACKAGE_VERSION);
}

TEST(warns_of_annotations_that_change_what_is_done)
{
	const struct oci_features *features = read_document();

	ck_assert(has(features->potentially_unsafe_config_annotations,
		      features->potentially_unsafe_config_annotations_len, "run.oci."));
	ck_assert(has(features->potentially_unsafe_config_annotations,
		      features->potentially_unsafe_config_annotations_len,
		      "org.systemd.property."));
	ck_assert(has(features->potentially_unsafe_config_annotations,
		      features->potentially_unsafe_config_annotations_len, "org.criu.config"));
}

TEST(a_full_arena_is_noticed)
{
	struct error err = {0};

	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	for (size_t room = 64; room < 4096; room += 64) {
		arena.used = arena.size - room;
		ck_assert_ptr_null(features_document("0123abc", &arena));
	}
	arena_release(&arena);
}

RUN_TESTS("features", tells_versions_which_it_accepts, tells_all_kinds_of_hooks,
	  tells_the_mount_options_that_are_parsed, tells_the_types_of_namespaces,
	  tells_every_capability_that_has_a_name, tells_the_words_of_seccomp,
	  says_yes_or_no_to_everything_the_specification_asks, agrees_with_what_configs_may_say,
	  annotations_tell_versions, warns_of_annotations_that_change_what_is_done,
	  a_full_arena_is_noticed)
