#include "linux/seccomp-calls.h"

#include <string.h>

int seccomp_call_find(const char *name)
{
	const size_t mask = seccomp_call_slots_len - 1;
	uint32_t hash = 5381;

	for (const char *c = name; *c; c++)
		hash = hash * 33 ^ (unsigned char)*c;
	for (size_t at = hash & mask; seccomp_call_slots[at]; at = (at + 1) & mask) {
		int found = seccomp_call_slots[at] - 1;

		if (strcmp(seccomp_call_pool + seccomp_call_offsets[found], name) == 0)
			return found;
	}
	return -1;
}

const struct seccomp_architecture_calls *seccomp_calls_of(uint32_t architecture)
{
	for (size_t i = 0; i < seccomp_architecture_calls_len; i++)
		if (seccomp_architecture_calls[i].architecture == architecture)
			return &seccomp_architecture_calls[i];
	return NULL;
}
