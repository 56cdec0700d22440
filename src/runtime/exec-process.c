/*
 * What the process of an exec is like.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#process
 *
 * Engines give a file, in which is the object "process" of a config.json: it is taken as it is, but what it
 * does not have at all is as for the container's own process.  People give options, which change what that
 * one is like.  The two together are refused, but for --tty: one of them would have to lose, and it might be
 * --user.
 *
 * A capability that is added becomes bounding, permitted and effective, but never inheritable
 * (CVE-2022-27650, CVE-2022-29162), and ambient only where the container has it inheritable already.
 */
#include "runtime/exec-process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "basic/cleanup.h"
#include "basic/file.h"
#include "libocispec/decode.h"
#include "libocispec/misspelt.h"
#include "linux/capability-names.h"

/* -- ids --------------------------------------------------------------------------------------- */

/* The number at the beginning of text, whose digits end at end. */
static bool is_id(const char *text, const char *end, uint32_t *id)
{
	uint64_t value = 0;

	if (text == end)
		return false;
	for (; text < end; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (uint64_t)(*text - '0');
		/* To the kernel the last one means "leave it as it is": root, that would be. */
		if (value >= UINT32_MAX)
			return false;
	}
	*id = (uint32_t)value;
	return true;
}

int exec_user(const char *text, uint32_t *uid, uint32_t *gid, struct error *err)
{
	const char *end = text + strcspn(text, ":");

	if (is_id(text, end, uid) && (!*end || is_id(end + 1, end + strlen(end), gid)))
		return 0;
	error_config(err, "--user: \"%s\" is not of the form UID[:GID]", text);
	return error_hint(err, "both are numbers from 0 to 4294967294");
}

static int add_gids(const struct text_list *added, struct oci_user *user, struct arena *arena,
		    struct error *err)
{
	size_t count = user->additional_gids_len;
	uint32_t *gids = arena_array(arena, uint32_t, count + added->count);

	if (!gids)
		return arena_full(arena, err);
	if (count)
		memcpy(gids, user->additional_gids, count * sizeof(*gids));
	for (size_t i = 0; i < added->count; i++) {
		const char *text = added->items[i];

		if (!is_id(text, text + strlen(text), &gids[count++]))
			return error_config(err,
					    "--additional-gids: \"%s\" is no number from 0 to "
					    "4294967294",
					    text);
	}
	user->additional_gids = gids;
	user->additional_gids_len = count;
	return 0;
}

static int choose_user(const struct exec_request *request, struct oci_process *process,
		       struct arena *arena, struct error *err)
{
	struct oci_user *user = arena_array(arena, struct oci_user, 1);

	if (!user)
		return arena_full(arena, err);
	if (process->user)
		*user = *process->user;
	process->user = user;
	if (request->user && exec_user(request->user, &user->uid, &user->gid, err) < 0)
		return -err->code;
	return request->additional_gids.count
		       ? add_gids(&request->additional_gids, user, arena, err)
		       : 0;
}

/* -- lists of texts ---------------------------------------------------------------------------- */

/* Both in the arena, where init can read them, ended by NULL: first is there already, more is copied. */
static const char **join(const char *const *first, size_t count, const struct text_list *more,
			 struct arena *arena)
{
	const char **list = arena_array(arena, const char *, count + more->count + 1);

	if (!list)
		return NULL;
	if (count)
		memcpy(list, first, count * sizeof(*list));
	for (size_t i = 0; i < more->count; i++) {
		list[count + i] = arena_copy(arena, more->items[i], strlen(more->items[i]));
		if (!list[count + i])
			return NULL;
	}
	return list;
}

static int add_env(const struct text_list *added, struct oci_process *process, struct arena *arena,
		   struct error *err)
{
	process->env = join(process->env, process->env_len, added, arena);
	process->env_len += added->count;
	return process->env ? 0 : arena_full(arena, err);
}

static int take_args(const char *const *args, struct oci_process *process, struct arena *arena,
		     struct error *err)
{
	struct text_list words = {(const char **)(uintptr_t)args, 0};

	while (args[words.count])
		words.count++;
	process->args = join(NULL, 0, &words, arena);
	process->args_len = words.count;
	return process->args ? 0 : arena_full(arena, err);
}

/* -- capabilities ------------------------------------------------------------------------------ */

static bool lists(const char *const *set, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(set[i], name) == 0)
			return true;
	return false;
}

/* Those of added that set has. */
static int keep_listed(const char *const *set, size_t count, const struct text_list *added,
		       struct text_list *kept, struct arena *arena)
{
	kept->items = arena_array(arena, const char *, added->count);
	if (!kept->items)
		return -ENOMEM;
	for (size_t i = 0; i < added->count; i++)
		if (lists(set, count, added->items[i]))
			kept->items[kept->count++] = added->items[i];
	return 0;
}

static int add_capabilities(const struct text_list *added, struct oci_process *process,
			    struct arena *arena, struct error *err)
{
	struct text_list ambient = {0};
	struct oci_capabilities *sets;

	for (size_t i = 0; i < added->count; i++)
		if (capability_number(added->items[i]) < 0) {
			error_config(err, "--cap: unknown capability \"%s\"", added->items[i]);
			return error_hint(err, "its name begins with CAP_, see capabilities(7)");
		}
	sets = arena_array(arena, struct oci_capabilities, 1);
	if (!sets)
		return arena_full(arena, err);
	if (process->capabilities)
		*sets = *process->capabilities;
	process->capabilities = sets;
	if (keep_listed(sets->inheritable, sets->inheritable_len, added, &ambient, arena) < 0)
		return arena_full(arena, err);
	sets->bounding = join(sets->bounding, sets->bounding_len, added, arena);
	sets->bounding_len += added->count;
	sets->permitted = join(sets->permitted, sets->permitted_len, added, arena);
	sets->permitted_len += added->count;
	sets->effective = join(sets->effective, sets->effective_len, added, arena);
	sets->effective_len += added->count;
	sets->ambient = join(sets->ambient, sets->ambient_len, &ambient, arena);
	sets->ambient_len += ambient.count;
	if (!sets->bounding || !sets->permitted || !sets->effective || !sets->ambient)
		return arena_full(arena, err);
	return 0;
}

/* -- from options ------------------------------------------------------------------------------ */

/* Replaces *text, if there is something to replace it by. */
static int choose_text(const char *chosen, const char **text, struct arena *arena,
		       struct error *err)
{
	if (!chosen)
		return 0;
	*text = arena_copy(arena, chosen, strlen(chosen));
	return *text ? 0 : arena_full(arena, err);
}

static int from_options(const struct exec_request *request, struct oci_process *process,
			struct arena *arena, struct error *err)
{
	int r = take_args(request->args, process, arena, err);

	if (r == 0 && process->args_len == 0) {
		error_config(err, "exec: there is no program to run");
		return error_hint(err, "name it behind the container's id, or give --process");
	}
	process->terminal = request->terminal;
	process->no_new_privileges |= request->no_new_privileges;
	if (r == 0)
		r = choose_user(request, process, arena, err);
	if (r == 0 && request->env.count)
		r = add_env(&request->env, process, arena, err);
	if (r == 0 && request->capabilities.count)
		r = add_capabilities(&request->capabilities, process, arena, err);
	if (r == 0)
		r = choose_text(request->cwd   ? request->cwd
				: process->cwd ? NULL
					       : "/",
				&process->cwd, arena, err);
	if (r == 0)
		r = choose_text(request->apparmor, &process->apparmor_profile, arena, err);
	if (r == 0)
		r = choose_text(request->selinux_label, &process->selinux_label, arena, err);
	return r;
}

/* -- from a file ------------------------------------------------------------------------------- */

static int refuse_options(const struct exec_request *request, struct error *err)
{
	const struct {
		const char *option;
		bool given;
	} options[] = {
		{"--additional-gids", request->additional_gids.count > 0},
		{"--apparmor", request->apparmor},
		{"--cap", request->capabilities.count > 0},
		{"--cwd", request->cwd},
		{"--env", request->env.count > 0},
		{"--no-new-privs", request->no_new_privileges},
		{"--process-label", request->selinux_label},
		{"--user", request->user},
		{"a program", request->args[0]},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (!options[i].given)
			continue;
		error_config(err, "exec: %s cannot be given together with --process",
			     options[i].option);
		return error_hint(err, "say it in the file");
	}
	return 0;
}

/* A pipe will do, as a shell's <(...). */
static ssize_t read_file(const char *path, struct arena *arena, char **text, struct error *err)
{
	bool standard = strcmp(path, "-") == 0;
	autoclose int fd = standard ? -1 : openat(AT_FDCWD, path, O_RDONLY | O_NOCTTY | O_CLOEXEC);

	if (!standard && fd < 0)
		return error_errno(err, errno, "--process: open %s", path);
	return file_read_stream(arena, standard ? STDIN_FILENO : fd,
				standard ? "standard input" : path, text, err);
}

static int from_file(const struct exec_request *request, struct arena *arena,
		     struct oci_process **process, struct error *err)
{
	struct oci_source source = {.name = request->process_file};
	struct oci_decoded decoded;
	char *text = NULL;
	ssize_t length;
	int r;

	r = refuse_options(request, err);
	length = r < 0 ? r : read_file(request->process_file, arena, &text, err);
	if (length < 0)
		return (int)length;
	source.text = text;
	source.length = (size_t)length;
	r = oci_decode(&oci_process_object, &source, arena, &decoded, err);
	if (r < 0)
		return r;
	misspelt_tell(source.name, &decoded);
	*process = decoded.value;
	/* Engines say it twice. */
	if (request->terminal)
		(*process)->terminal = true;
	return 0;
}

static bool is_empty(const char *text)
{
	return !text || !text[0];
}

/* What the file does not have is the container's own. */
static void complete(struct oci_process *process, const struct oci_process *common)
{
	if (!process->env) {
		process->env = common->env;
		process->env_len = common->env_len;
	}
	if (!process->rlimits) {
		process->rlimits = common->rlimits;
		process->rlimits_len = common->rlimits_len;
	}
	if (!process->has_oom_score_adj) {
		process->has_oom_score_adj = common->has_oom_score_adj;
		process->oom_score_adj = common->oom_score_adj;
	}
	if (!process->user->has_umask && common->user) {
		process->user->has_umask = common->user->has_umask;
		process->user->umask = common->user->umask;
	}
	if (!process->capabilities)
		process->capabilities = common->capabilities;
	if (is_empty(process->apparmor_profile))
		process->apparmor_profile = common->apparmor_profile;
	if (is_empty(process->selinux_label))
		process->selinux_label = common->selinux_label;
	if (!process->scheduler)
		process->scheduler = common->scheduler;
	if (!process->io_priority)
		process->io_priority = common->io_priority;
	if (!process->exec_cpu_affinity)
		process->exec_cpu_affinity = common->exec_cpu_affinity;
}

int exec_process(const struct exec_request *request, const struct oci_process *common,
		 struct arena *arena, struct oci_process **process, struct error *err)
{
	int r;

	if (request->process_file) {
		r = from_file(request, arena, process, err);
		if (r == 0 && common)
			complete(*process, common);
		return r;
	}
	*process = arena_array(arena, struct oci_process, 1);
	if (!*process)
		return arena_full(arena, err);
	if (common)
		**process = *common;
	return from_options(request, *process, arena, err);
}
