/*
 * The table of "ps": made by the host's ps, of all processes, so that people get the columns that they ask for;
 * and what is not the container's is left out.
 *
 *	ps(1)
 */
#include "runtime/ps-table.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/file.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define BLANKS	     " \t\n"

enum { MOST_WORDS = 64, LONGEST_WORDS = 4096 };

int ps_column(const char *head)
{
	for (int column = 0;; column++) {
		size_t length;

		head += strspn(head, BLANKS);
		length = strcspn(head, BLANKS);
		if (length == 0)
			return -1;
		if (length == 3 && memcmp(head, "PID", 3) == 0)
			return column;
		head += length;
	}
}

pid_t ps_pid(const char *line, int column)
{
	char *end;
	long pid;

	line += strspn(line, BLANKS);
	for (; column > 0; column--) {
		line += strcspn(line, BLANKS);
		line += strspn(line, BLANKS);
	}
	pid = strtol(line, &end, 10);
	return end > line && (*end == '\0' || strchr(BLANKS, *end)) ? (pid_t)pid : 0;
}

int ps_compare(const void *left, const void *right)
{
	pid_t a = *(const pid_t *)left, b = *(const pid_t *)right;

	return (a > b) - (a < b);
}

static bool is_listed(const struct ps_pids *pids, pid_t pid)
{
	return pids->count > 0 &&
	       bsearch(&pid, pids->list, pids->count, sizeof(pid), ps_compare) != NULL;
}

static int filter(const struct ps_pids *pids, FILE *table, FILE *out, struct error *err)
{
	char *line = NULL;
	size_t size = 0;
	int column = -1, r = 0;

	if (getline(&line, &size, table) > 0) {
		column = ps_column(line);
		if (column < 0) {
			r = error_config(err, "the output of ps has no column PID");
			error_hint(err, "add it to the format, as in \"-o pid,comm\"");
		} else {
			fputs(line, out);
		}
	}
	/* ps shall not be held up, whatever is done with what it says. */
	while (getline(&line, &size, table) > 0)
		if (column >= 0 && is_listed(pids, ps_pid(line, column)))
			fputs(line, out);
	free(line);
	return r;
}

/* -- running it ------------------------------------------------------------------------------- */

struct ps_words {
	char *list[MOST_WORDS + 2];
	char text[LONGEST_WORDS];
};

static int split(const char *word, struct ps_words *words, struct error *err)
{
	size_t count = 1;
	char *rest;

	if (strlen(word) >= sizeof(words->text))
		return error_errno(err, E2BIG, "the options of ps");
	strcpy(words->text, word);
	for (char *part = strtok_r(words->text, BLANKS, &rest); part;
	     part = strtok_r(NULL, BLANKS, &rest)) {
		if (count > MOST_WORDS)
			return error_errno(err, E2BIG, "the options of ps");
		words->list[count++] = part;
	}
	words->list[count] = NULL;
	return 0;
}

/* Engines hand over in one word what a user has typed. */
static int choose_words(char *const given[], struct ps_words *words, struct error *err)
{
	size_t count = 0;

	words->list[0] = (char *)(uintptr_t) "ps";
	if (!given[0])
		return split("-ef", words, err);
	if (!given[1])
		return split(given[0], words, err);
	for (; given[count]; count++) {
		if (count == MOST_WORDS)
			return error_errno(err, E2BIG, "the options of ps");
		words->list[count + 1] = given[count];
	}
	words->list[count + 1] = NULL;
	return 0;
}

static pid_t start_ps(char *const words[], int output, int errors, struct error *err)
{
	extern char **environ;
	const char *path = getenv("PATH");
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t ignored;
	pid_t pid = -1;
	int code;

	/* Engines call with next to no environment. */
	if (!path || !*path)
		setenv("PATH", DEFAULT_PATH, 1);
	sigemptyset(&ignored);
	sigaddset(&ignored, SIGPIPE);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &ignored);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	code = posix_spawnp(&pid, "ps", &actions, &attributes, words, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	if (code == 0)
		return pid;
	if (code != ENOENT)
		return error_errno(err, code, "run ps");
	error_config(err, "there is no program ps in %s", getenv("PATH"));
	return error_hint(err, "install procps; --format json does without it");
}

/* What it said, the first line of it, is its reason. */
static int judge(int status, int errors, struct error *err)
{
	char said[256];
	ssize_t length = pread(errors, said, sizeof(said) - 1, 0);

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	said[length > 0 ? length : 0] = '\0';
	said[strcspn(said, "\n")] = '\0';
	if (WIFSIGNALED(status))
		error_config(err, "ps was killed by signal %d", WTERMSIG(status));
	else
		error_config(err, "ps: exit status %d", WEXITSTATUS(status));
	return said[0] ? error_hint(err, "it said: %s", said) : -err->code;
}

int ps_table(const struct ps_pids *pids, char *const words[], FILE *out, struct error *err)
{
	autoclose int reader = -1, writer = -1;
	autoclose int errors = memfd_create("errors", MFD_CLOEXEC);
	struct error failed = {0};
	struct ps_words chosen;
	int ends[2], status = 0, r;
	FILE *table;
	pid_t pid;

	if (choose_words(words, &chosen, err) < 0)
		return -err->code;
	if (errors < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, errno, "run ps");
	reader = ends[0];
	writer = ends[1];
	table = fdopen(reader, "re");
	if (!table)
		return error_errno(err, errno, "run ps");
	take_fd(&reader);
	pid = start_ps(chosen.list, writer, errors, err);
	close_fd(&writer);
	r = pid < 0 ? pid : filter(pids, table, out, err);
	fclose(table);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	/* An error of its own explains what was missing in its output. */
	if (pid < 0 || judge(status, errors, &failed) == 0)
		return r;
	*err = failed;
	return -err->code;
}
