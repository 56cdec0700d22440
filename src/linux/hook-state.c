/*
 * The state of a container in the making, for its hooks.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/runtime.md#state
 *
 * The runtime writes it but for status and pid, which come last, into a piece of the plan that has room
 * for them: init can then tell its hooks without knowing JSON.
 */
#include "linux/hook-state.h"

#include <stdio.h>
#include <string.h>

#include "libocispec/encode.h"

/* ,"status":"creating","pid":2147483647} */
enum { ROOM = 64 };

int hook_state_prepare(struct container *container, struct error *err)
{
	const struct oci_config *config = container->config;
	struct oci_state state = {
		.oci_version = config->oci_version,
		.id = container->id,
		.bundle = container->bundle,
		.annotations = config->annotations,
		.annotations_len = config->annotations_len,
	};
	char *text = oci_encode(&oci_state_object, &state, container->arena, OCI_COMPACT);
	size_t length;

	if (!text)
		return arena_full(container->arena, err);
	length = strlen(text);
	container->hook_state = arena_alloc(container->arena, length + ROOM);
	if (!container->hook_state)
		return arena_full(container->arena, err);
	memcpy(container->hook_state, text, length);
	container->hook_state_end = length - 1; /* before the closing brace */
	return 0;
}

const char *hook_state(struct container *container, const char *status)
{
	snprintf(container->hook_state + container->hook_state_end, ROOM,
		 ",\"status\":\"%s\",\"pid\":%d}", status, container->init_pid);
	return container->hook_state;
}
