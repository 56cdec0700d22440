/*
 * The distance of two words, after V. I. Levenshtein: how many letters have to be put in, taken out
 * or changed to make one of the other.
 */
#include "cli/similar.h"

#include <string.h>

enum {
	WORD_MOST = 31, /* longer words are not compared */
	START_LEAST = 3,
};

static unsigned int smallest(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int least = a < b ? a : b;

	return least < c ? least : c;
}

static unsigned int distance(const char *from, const char *to)
{
	/* costs[i]: from the letters of "from" so far to the first i letters of "to" */
	unsigned int costs[WORD_MOST + 1];
	size_t width = strlen(to);

	for (unsigned int i = 0; i <= width; i++)
		costs[i] = i;
	for (; *from; from++) {
		unsigned int diagonal = costs[0]++;

		for (size_t i = 1; i <= width; i++) {
			unsigned int changed = diagonal + (*from != to[i - 1]);

			diagonal = costs[i];
			costs[i] = smallest(changed, costs[i] + 1, costs[i - 1] + 1);
		}
	}
	return costs[width];
}

bool similar(const char *written, const char *name)
{
	size_t length = strlen(written);

	if (length > WORD_MOST || strlen(name) > WORD_MOST)
		return false;
	if (length >= START_LEAST && strncmp(written, name, length) == 0)
		return true;
	return distance(written, name) <= (length > START_LEAST ? 2 : 1);
}
