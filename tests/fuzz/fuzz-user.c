/*
 * The options of exec that say who its process is: a line for each, which begins with its letter, "u" for --user,
 * "g" for --additional-gids, "c" for --cap, "e" for --env.  Ids are read here a second time, as texts.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "linux/capability-names.h"
#include "linux/section.h"
#include "runtime/exec-process.h"

enum { MOST = 12 };

/* What the options ask for. */
struct asked {
	const char *user;
	const char *gids[MOST], *capabilities[MOST], *env[MOST];
	size_t gids_len, capabilities_len, env_len;
};

/* The container's own process. */
static uint32_t own_gids[] = {9, 10};
static const char *const own_capabilities[] = {"CAP_CHOWN", "CAP_KILL", NULL};
static const char *const own_env[] = {"PATH=/bin", NULL};

static int take_options(struct input *input, struct arena *arena, struct asked *asked,
			struct error *err)
{
	while (input->size) {
		const char *line = input_text(input, '\n', arena);

		if (!line)
			return arena_full(arena, err);
		if (*line == 'u')
			asked->user = line + 1;
		else if (*line == 'g' && asked->gids_len < MOST)
			asked->gids[asked->gids_len++] = line + 1;
		else if (*line == 'c' && asked->capabilities_len < MOST)
			asked->capabilities[asked->capabilities_len++] = line + 1;
		else if (*line == 'e' && asked->env_len < MOST)
			asked->env[asked->env_len++] = line + 1;
	}
	return 0;
}

/* -- what the options say ------------------------------------------------------------------------ */

/* Digits, and as a number, without zeros in front, at most 4294967294. */
static bool is_id(const char *text, size_t length, uint32_t *id)
{
	static const char last[] = "4294967294";

	if (length == 0 || strspn(text, "0123456789") < length)
		return false;
	for (; length > 1 && *text == '0'; length--)
		text++;
	if (length > strlen(last) || (length == strlen(last) && strncmp(text, last, length) > 0))
		return false;
	*id = (uint32_t)strtoul(text, NULL, 10);
	return true;
}

static bool is_user(const char *text, uint32_t *uid, uint32_t *gid)
{
	const char *colon = strchr(text, ':');

	if (!colon)
		return is_id(text, strlen(text), uid);
	return is_id(text, (size_t)(colon - text), uid) && is_id(colon + 1, strlen(colon + 1), gid);
}

/* Whether they are right; with what the user then is. */
static bool is_right(const struct asked *asked, struct oci_user *user)
{
	*user = (struct oci_user){.uid = 7, .gid = 8, .additional_gids = own_gids};
	user->additional_gids_len = 2 + asked->gids_len;
	if (asked->user && !is_user(asked->user, &user->uid, &user->gid))
		return false;
	for (size_t i = 0; i < asked->gids_len; i++) {
		uint32_t gid;

		if (!is_id(asked->gids[i], strlen(asked->gids[i]), &gid))
			return false;
	}
	for (size_t i = 0; i < asked->capabilities_len; i++)
		if (capability_number(asked->capabilities[i]) < 0)
			return false;
	return true;
}

/* -- both -------------------------------------------------------------------------------------- */

static void expect_groups(const struct asked *asked, const struct oci_user *user)
{
	for (size_t i = 0; i < user->additional_gids_len; i++) {
		uint32_t gid = i < 2 ? own_gids[i] : 0;

		if (i >= 2)
			EXPECT(is_id(asked->gids[i - 2], strlen(asked->gids[i - 2]), &gid));
		EXPECT(user->additional_gids[i] == gid);
	}
}

static bool lists(const char *const *list, size_t length, const char *text)
{
	for (size_t i = 0; i < length; i++)
		if (strcmp(list[i], text) == 0)
			return true;
	return false;
}

/* One that is added never becomes inheritable, and ambient only if it is inheritable already. */
static void expect_capabilities(const struct asked *asked, const struct oci_capabilities *sets)
{
	EXPECT(sets->inheritable_len == 1);
	EXPECT(strcmp(sets->inheritable[0], own_capabilities[0]) == 0);
	EXPECT(sets->bounding_len == 2 + asked->capabilities_len);
	EXPECT(sets->permitted_len == 2 + asked->capabilities_len);
	EXPECT(sets->effective_len == 2 + asked->capabilities_len);
	for (size_t i = 0; i < asked->capabilities_len; i++) {
		const char *name = asked->capabilities[i];

		EXPECT(lists(sets->bounding, sets->bounding_len, name));
		EXPECT(lists(sets->permitted, sets->permitted_len, name));
		EXPECT(lists(sets->effective, sets->effective_len, name));
		EXPECT(lists(sets->ambient, sets->ambient_len, name) ==
		       (strcmp(name, own_capabilities[0]) == 0));
	}
}

static void expect_env(const struct asked *asked, const struct oci_process *process)
{
	EXPECT(process->env_len == 1 + asked->env_len);
	EXPECT(strcmp(process->env[0], own_env[0]) == 0);
	for (size_t i = 0; i < asked->env_len; i++)
		EXPECT(strcmp(process->env[1 + i], asked->env[i]) == 0);
	if (asked->env_len)
		EXPECT(!process->env[process->env_len]);
}

static int attempt(struct input input, struct arena *arena, struct error *err)
{
	const char *const args[] = {"true", NULL};
	struct oci_capabilities own_sets = {
		.bounding = (const char **)(uintptr_t)own_capabilities,
		.bounding_len = 2,
		.permitted = (const char **)(uintptr_t)own_capabilities,
		.permitted_len = 2,
		.effective = (const char **)(uintptr_t)own_capabilities,
		.effective_len = 2,
		.inheritable = (const char **)(uintptr_t)own_capabilities,
		.inheritable_len = 1,
	};
	struct oci_user own_user = {
		.uid = 7, .gid = 8, .additional_gids = own_gids, .additional_gids_len = 2};
	const struct oci_process own = {
		.user = &own_user,
		.env = (const char **)(uintptr_t)own_env,
		.env_len = 1,
		.cwd = "/",
		.capabilities = &own_sets,
	};
	struct asked asked = {0};
	struct exec_request request = {.args = args};
	struct oci_process *process = NULL;
	struct oci_user expected;
	int r = take_options(&input, arena, &asked, err);

	if (r < 0)
		return r;
	request.user = asked.user;
	request.additional_gids = (struct text_list){asked.gids, asked.gids_len};
	request.capabilities = (struct text_list){asked.capabilities, asked.capabilities_len};
	request.env = (struct text_list){asked.env, asked.env_len};
	r = exec_process(&request, &own, arena, &process, err);
	EXPECT((r == 0) == is_right(&asked, &expected) || r == -ENOMEM);
	EXPECT(r == 0 || r == -EINVAL || r == -ENOMEM);
	if (r < 0)
		return r;
	EXPECT(process->user->uid == expected.uid && process->user->gid == expected.gid);
	EXPECT(process->user->additional_gids_len == expected.additional_gids_len);
	expect_groups(&asked, process->user);
	expect_capabilities(&asked, process->capabilities);
	expect_env(&asked, process);
	EXPECT(section_user.validate(&(struct oci_config){.process = process}, err) == 0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_with_arena(attempt, data, size);
	return 0;
}
