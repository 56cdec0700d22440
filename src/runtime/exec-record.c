#include "runtime/exec-record.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "basic/file.h"
#include "libocispec/decode.h"
#include "libocispec/encode.h"

enum { ALIGNMENT = 8 };

/* The length of the JSON with the NULs behind it. */
static size_t padded(size_t length)
{
	return (length + ALIGNMENT) & ~(size_t)(ALIGNMENT - 1);
}

/* -- writing ----------------------------------------------------------------------------------- */

static struct oci_id_mapping *copy_map(const struct container *container, const struct id_map *map)
{
	struct oci_id_mapping *copy =
		arena_array(container->arena, struct oci_id_mapping, map->ranges_len);

	for (size_t i = 0; copy && i < map->ranges_len; i++)
		copy[i] = (struct oci_id_mapping){
			.container_id = map->ranges[i].inside,
			.host_id = map->ranges[i].outside,
			.size = map->ranges[i].count,
		};
	return copy;
}

/* What another program of the same container has, too: not its words, nor its terminal. */
static struct oci_process common_part(const struct oci_process *process)
{
	struct oci_process common = *process;

	common.args = NULL;
	common.args_len = 0;
	common.terminal = false;
	common.console_size = NULL;
	return common;
}

/* Puts the text and the filter together as they stand in the file. */
static char *assemble(const struct container *container, const char *text, size_t *length)
{
	const struct seccomp_plan *plan = &container->seccomp;
	size_t filter = plan->filter_len * sizeof(*plan->filter);
	size_t begin = padded(strlen(text));
	char *bytes = arena_alloc(container->arena, begin + filter);

	*length = begin + filter;
	if (!bytes)
		return NULL;
	memcpy(bytes, text, strlen(text));
	if (filter)
		memcpy(bytes + begin, plan->filter, filter);
	return bytes;
}

int exec_record_store(int directory, const struct container *container, struct error *err)
{
	const struct oci_config *config = container->config;
	const struct seccomp_plan *plan = &container->seccomp;
	int namespaces = container->new_namespaces | container->joined_namespaces;
	bool mounts = namespaces & CLONE_NEWNS;
	struct oci_process process;
	struct oci_record_seccomp seccomp = {
		.instructions = (uint32_t)plan->filter_len,
		.flags = plan->flags,
		.agent = plan->agent,
		.metadata = plan->metadata,
	};
	struct oci_record_exec record = {
		.new_namespaces = (uint32_t)container->new_namespaces,
		.no_new_keyring = container->no_new_keyring,
		.deny_setgroups = container->deny_setgroups,
		.uid_mappings = copy_map(container, &container->uid_map),
		.uid_mappings_len = container->uid_map.ranges_len,
		.gid_mappings = copy_map(container, &container->gid_map),
		.gid_mappings_len = container->gid_map.ranges_len,
		.has_root_device = !mounts,
		.root_device = container->rootfs_device,
		.has_root_inode = !mounts,
		.root_inode = container->rootfs_inode,
		.personality = config->linux ? config->linux->personality : NULL,
		.memory_policy = config->linux ? config->linux->memory_policy : NULL,
		.seccomp = plan->filter ? &seccomp : NULL,
	};
	const char *text;
	char *bytes;
	size_t length;

	if (!record.uid_mappings || !record.gid_mappings)
		return arena_full(container->arena, err);
	if (config->process) {
		process = common_part(config->process);
		record.process = &process;
	}
	text = oci_encode(&oci_record_exec_object, &record, container->arena, OCI_COMPACT);
	bytes = text ? assemble(container, text, &length) : NULL;
	if (!bytes)
		return arena_full(container->arena, err);
	return file_make(directory, EXEC_RECORD_FILE, bytes, length, err);
}

/* -- reading ----------------------------------------------------------------------------------- */

static int take_map(struct container *container, const struct oci_id_mapping *maps, size_t count,
		    struct id_map *map, struct error *err)
{
	map->ranges = arena_array(container->arena, struct id_range, count);
	if (!map->ranges)
		return arena_full(container->arena, err);
	for (size_t i = 0; i < count; i++)
		map->ranges[i] = (struct id_range){
			.inside = maps[i].container_id,
			.outside = maps[i].host_id,
			.count = maps[i].size,
		};
	map->ranges_len = count;
	return 0;
}

/* The filter is used where it was read to. */
static int take_filter(struct container *container, const struct oci_record_seccomp *seccomp,
		       char *bytes, size_t length, struct error *err)
{
	struct seccomp_plan *plan = &container->seccomp;
	size_t expected = seccomp ? seccomp->instructions * sizeof(*plan->filter) : 0;

	if (length != expected || (seccomp && expected == 0))
		return error_config(err,
				    EXEC_RECORD_FILE " is damaged: of the seccomp filter's %zu "
						     "bytes it has %zu",
				    expected, length);
	if (!seccomp)
		return 0;
	*plan = (struct seccomp_plan){
		.filter = (struct sock_filter *)(void *)bytes,
		.filter_len = seccomp->instructions,
		.flags = seccomp->flags,
		.agent = seccomp->agent,
		.metadata = seccomp->metadata,
	};
	return 0;
}

static int read_file(int directory, struct arena *arena, struct oci_source *source, size_t *length,
		     struct error *err)
{
	char *bytes = NULL;
	ssize_t total = file_read(arena, directory, EXEC_RECORD_FILE, &bytes, err);

	if (total == -ENOENT) {
		error_config(err, EXEC_RECORD_FILE " is missing");
		return error_hint(err, "the container was made by a version of proa that had no "
				       "exec");
	}
	if (total < 0)
		return (int)total;
	*source = (struct oci_source){EXEC_RECORD_FILE, bytes, strlen(bytes), bytes};
	*length = (size_t)total;
	if (padded(source->length) <= *length)
		return 0;
	return error_config(err, EXEC_RECORD_FILE " is damaged: it ends too early");
}

int exec_record_load(int directory, struct container *container,
		     const struct oci_record_exec **record, struct error *err)
{
	struct arena *arena = container->arena;
	const struct oci_record_exec *loaded;
	struct oci_decoded decoded;
	struct oci_source source;
	size_t length = 0, begin;
	int r;

	r = read_file(directory, arena, &source, &length, err);
	if (r == 0)
		r = oci_decode(&oci_record_exec_object, &source, arena, &decoded, err);
	if (r < 0)
		return r;
	*record = loaded = decoded.value;
	begin = padded(source.length);
	r = take_filter(container, loaded->seccomp, source.own + begin, length - begin, err);
	if (r == 0)
		r = take_map(container, loaded->uid_mappings, loaded->uid_mappings_len,
			     &container->uid_map, err);
	if (r == 0)
		r = take_map(container, loaded->gid_mappings, loaded->gid_mappings_len,
			     &container->gid_map, err);
	container->no_new_keyring = loaded->no_new_keyring;
	container->deny_setgroups = loaded->deny_setgroups;
	container->rootfs_device = loaded->root_device;
	container->rootfs_inode = loaded->root_inode;
	return r;
}
