/* Lists such as "0-3,7": checked and read they come to the same, and what was read can be written and read. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "basic/number-list.h"
#include "fuzz.h"

enum { LIMIT = 200, WORDS = LIMIT / NUMBER_LIST_WORD + 1 };

static bool has(const unsigned long *bits, size_t number)
{
	return bits[number / NUMBER_LIST_WORD] >> number % NUMBER_LIST_WORD & 1;
}

static void write_list(const unsigned long *bits, char *text)
{
	*text = '\0';
	for (size_t i = 0; i < LIMIT; i++)
		if (has(bits, i))
			text += sprintf(text, "%zu,", i);
}

static int attempt(struct input input, struct arena *arena, struct error *err)
{
	unsigned long bits[WORDS] = {0}, again[WORDS] = {0};
	const char *list = input_text(&input, '\0', arena);
	char text[LIMIT * 4 + 1];
	int count, checked;

	if (arena_refused())
		return arena_full(arena, err);
	list = list ? list : "";
	checked = number_list_parse(list, LIMIT, NULL, err);
	count = number_list_parse(list, LIMIT, bits, err);
	EXPECT(count == checked);
	EXPECT(count >= 0 || err->code == EINVAL);
	for (size_t i = LIMIT; i < WORDS * (size_t)NUMBER_LIST_WORD; i++)
		EXPECT(!has(bits, i));
	if (count < 0)
		return count;
	write_list(bits, text);
	EXPECT((count > 0) == (text[0] != '\0'));
	EXPECT(number_list_parse(text, LIMIT, again, err) >= 0);
	EXPECT(memcmp(bits, again, sizeof(bits)) == 0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_with_arena(attempt, data, size);
	return 0;
}
