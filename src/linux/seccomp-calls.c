#include "linux/seccomp-calls.h"

#include <endian.h>
#include <string.h>

enum { WORDS = SECCOMP_CALL_NAME_SIZE / sizeof(uint64_t) };

/* scripts/seccomp-calls does the same. */
static uint64_t hash(const uint64_t words[static WORDS])
{
	uint64_t value = 0;

	for (size_t i = 0; i < WORDS; i++)
		value = value * 31 + le64toh(words[i]);
	value *= UINT64_C(0x9e3779b97f4a7c15);
	return value >> 32;
}

int seccomp_call_find(const char *name)
{
	const size_t mask = seccomp_call_slots_len - 1, length = strlen(name);
	uint64_t words[WORDS] = {0};

	if (length >= sizeof(words))
		return -1;
	memcpy(words, name, length);
	for (size_t at = hash(words) & mask; seccomp_call_slots[at]; at = (at + 1) & mask) {
		int found = seccomp_call_slots[at] - 1;

		if (memcmp(seccomp_call_list[found].text, words, sizeof(words)) == 0)
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
