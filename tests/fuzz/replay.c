/*
 * Feeds files to a fuzz target without libFuzzer, for compilers that have none: what is kept in corpus/NAME
 * is an ordinary test so.
 *
 *	fuzz-NAME [FILE-OR-FOLDER...]
 */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static unsigned int replayed;

static int replay(const char *path, const struct stat *status, int type, struct FTW *where)
{
	size_t size = (size_t)status->st_size;
	uint8_t *data;
	FILE *file;

	(void)where;
	if (type != FTW_F)
		return 0;
	/* Exactly as large as the input, so that the sanitizer sees who reads beyond it. */
	data = malloc(size ? size : 1);
	file = fopen(path, "re");
	if (!data || !file || fread(data, 1, size, file) != size)
		return errno ? errno : EIO;
	fclose(file);
	/* A crash is in the middle of it: say which it was before. */
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	replayed++;
	return 0;
}

static int replay_below(const char *path)
{
	int r = nftw(path, replay, 16, FTW_PHYS);

	if (r == 0)
		return 0;
	fprintf(stderr, "%s: %s\n", path, strerror(r < 0 ? errno : r));
	return -1;
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');
	char corpus[4096];

	fuzz_always_twice = true;
	name = name ? name + 1 : argv[0];
	name += strncmp(name, "fuzz-", 5) == 0 ? 5 : 0;
	snprintf(corpus, sizeof(corpus), "%s/%s", CORPUS, name);
	if (argc == 1 && replay_below(corpus) < 0)
		return EXIT_FAILURE;
	for (int i = 1; i < argc; i++)
		if (replay_below(argv[i]) < 0)
			return EXIT_FAILURE;
	if (replayed == 0) {
		fprintf(stderr, "%s: there is nothing to replay\n", corpus);
		return EXIT_FAILURE;
	}
	/* As Check counts, for scripts/test. */
	printf("%s: %u inputs\n100%%: Checks: 1, Failures: 0, Errors: 0\n", name, replayed);
	return EXIT_SUCCESS;
}
