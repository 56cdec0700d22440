/*
 * The command line: options, a command, its options and arguments.
 *
 *	proa [OPTIONS] COMMAND [OPTIONS] ARGUMENTS
 *
 * Exit statuses: 0; 1 for an error (of "exec" 255), which is one line on stderr; and of "run" and "exec"
 * that of the container's program.  Engines parse much of what is printed here; the manual page says what can
 * be relied on.
 */
#include <commit.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "basic/large.h"
#include "basic/log.h"
#include "basic/trace.h"
#include "cli/command.h"
#include "cli/similar.h"

static const struct option global_options[] = {
	{"cgroup-manager", 0, "NAME", "cgroupfs, systemd or disabled [cgroupfs]",
	 CHOICE(TEXT, cgroup_manager)},
	{"debug", 0, NULL, "the same as --log-level debug", CHOICE(SWITCH, debug)},
	{"log", 0, "FILE", "add errors to this file, too", CHOICE(TEXT, log)},
	{"log-format", 0, "FORMAT", "the log's lines: text or json [text]",
	 CHOICE(TEXT, log_format)},
	{"log-level", 0, "LEVEL", "error, warning or debug [error]", CHOICE(TEXT, log_level)},
	{"root", 0, "DIR", "where the containers' state is kept", CHOICE(TEXT, root)},
	{"rootless", 0, "VALUE", "accepted for compatibility, of no effect", OPTION_IGNORED, 0},
	{"systemd-cgroup", 0, NULL, "the same as --cgroup-manager systemd",
	 CHOICE(SWITCH, systemd_cgroup)},
	{"trace", 0, "FILE", "write to this file where the time goes", CHOICE(TEXT, trace)},
	{"version", 'v', NULL, "print the version", CHOICE(SWITCH, version)},
	{NULL, 0, NULL, NULL, OPTION_IGNORED, 0},
};

const struct option help_options[] = {
	{"help", 'h', NULL, "print this", CHOICE(SWITCH, help)},
	{NULL, 0, NULL, NULL, OPTION_IGNORED, 0},
};

const struct command *const commands[] = {
	&command_create,
	&command_start,
	&command_run,
	&command_exec,
	&command_state,
	&command_list,
	&command_ps,
	&command_events,
	&command_kill,
	&command_pause,
	&command_resume,
	&command_update,
	&command_checkpoint,
	&command_restore,
	&command_delete,
	&command_features,
	&command_spec,
	&command_completion,
	NULL,
};

const struct option *const global_tables[] = {global_options, help_options, NULL};

static void print_version(void)
{
	/* Docker takes every line with the word in it for the version: there is but one. */
	puts("proa version " PACKAGE_VERSION "\ncommit: " COMMIT "\nspec: 1.3.0");
}

static void print_help(void)
{
	puts("Usage: proa [OPTIONS] COMMAND [OPTIONS] ARGUMENTS\n"
	     "Run containers as the Open Container Initiative specifies.\n\n"
	     "Commands:");
	for (size_t i = 0; commands[i]; i++)
		printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
	puts("\nOptions:");
	options_print(global_tables, stdout);
	puts("\n\"proa COMMAND --help\" shows the options of a command; proa(1) tells the rest.");
}

static void print_command_help(const struct command *command, const struct option *const tables[])
{
	printf("Usage: proa %s [OPTIONS]%s%s\n%s\n\nOptions:\n", command->name,
	       *command->arguments ? " " : "", command->arguments, command->summary);
	options_print(tables, stdout);
}

/* A file opened as one of these would be written to by whatever writes messages. */
static void open_missing_stdio(void)
{
	struct pollfd streams[] = {
		{.fd = STDIN_FILENO}, {.fd = STDOUT_FILENO}, {.fd = STDERR_FILENO}};

	if (poll(streams, 3, 0) >= 0 &&
	    !((streams[0].revents | streams[1].revents | streams[2].revents) & POLLNVAL))
		return;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && openat(AT_FDCWD, "/dev/null", O_RDWR) != fd) {
			/* Where it should be read nobody may be, or another's file. */
			perror("proa: a standard stream is not open, and neither can /dev/null be");
			_exit(EXIT_FAILURE);
		}
}

static int choose_level(const struct choices *choices, struct error *err)
{
	const char *level = choices->debug ? "debug" : choices->log_level;

	if (!level || strcmp(level, "error") == 0)
		return LOG_LEVEL_ERROR;
	if (strcmp(level, "warning") == 0)
		return LOG_LEVEL_WARNING;
	if (strcmp(level, "debug") == 0)
		return LOG_LEVEL_DEBUG;
	return error_config(err, "unknown log level \"%s\": it is error, warning or debug", level);
}

static int set_up_log(const struct choices *choices, struct error *err)
{
	bool json = choices->log_format && strcmp(choices->log_format, "json") == 0;
	int level = choose_level(choices, err);
	int r;

	if (level < 0)
		return level;
	log_set_level((enum log_level)level);
	if (choices->log) {
		r = log_open(choices->log, json ? LOG_JSON : LOG_TEXT, err);
		if (r < 0)
			return r;
	}
	if (choices->log_format && !json && strcmp(choices->log_format, "text") != 0)
		return error_config(err, "unknown log format \"%s\": it is text or json",
				    choices->log_format);
	return 0;
}

static const struct command *find_command(const char *name, struct error *err)
{
	for (size_t i = 0; commands[i]; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	error_config(err, "unknown command \"%s\"", name);
	for (size_t i = 0; commands[i]; i++)
		if (similar(name, commands[i]->name))
			error_hint(err, "did you mean \"%s\"?", commands[i]->name);
	error_hint(err, "--help shows the commands there are");
	return NULL;
}

static int check_count(const struct command *command, int count, struct error *err)
{
	if (count >= command->least && count <= command->most)
		return 0;
	error_config(err, "%s: too %s arguments", command->name,
		     count < command->least ? "few" : "many");
	return error_hint(err, "usage: proa %s [OPTIONS]%s%s", command->name,
			  *command->arguments ? " " : "", command->arguments);
}

static int run_with(const struct command *command, const struct option *const tables[],
		    struct words rest, struct choices *choices, struct error *err)
{
	enum options_place place = command->options_first ? OPTIONS_FIRST : OPTIONS_ANYWHERE;
	int r = options_parse(tables, &rest, place, choices, err);

	if (r == 0 && choices->help) {
		print_command_help(command, tables);
		return 0;
	}
	if (r == 0)
		r = check_count(command, rest.count, err);
	if (r < 0)
		return r;
	rest.items[rest.count] = NULL;
	choices->arguments = rest.items;
	return command->run(choices, err);
}

/* *failure becomes what an error of the command is to end with. */
static int run_command(struct words *words, struct choices *choices, int *failure,
		       struct error *err)
{
	const struct command *command = find_command(words->items[0], err);
	const struct option *tables[4] = {help_options};
	struct words rest = {words->items + 1, words->count - 1};
	int r;

	if (!command)
		return -err->code;
	if (command->failure)
		*failure = command->failure;
	for (size_t i = 0; i < 2 && command->options[i]; i++) {
		tables[i] = command->options[i];
		tables[i + 1] = help_options;
	}
	r = run_with(command, tables, rest, choices, err);
	options_release(tables, choices);
	return r;
}

/* With the command's phases up to its failure, if it has failed. */
static int run_traced(struct words *words, struct choices *choices, int *failure, struct error *err)
{
	const char *command = words->items[0];
	struct error unwritten = {0};
	int r = choices->trace ? trace_open(choices->trace, err) : 0;

	if (r < 0)
		return r;
	r = run_command(words, choices, failure, err);
	trace_phase("end");
	if (choices->trace && trace_write(command, &unwritten) < 0)
		log_warning_always("--trace: %s", unwritten.text);
	return r;
}

static int run(struct words *words, int *failure, struct error *err)
{
	struct choices choices = {.bundle = ".", .config = "config.json"};
	int r;

	r = options_parse(global_tables, words, OPTIONS_FIRST, &choices, err);
	if (r < 0)
		return r;
	if (choices.help || choices.version) {
		(choices.help ? print_help : print_version)();
		return 0;
	}
	r = set_up_log(&choices, err);
	if (r < 0)
		return r;
	if (words->count == 0) {
		error_config(err, "a command is missing");
		return error_hint(err, "--help shows the commands there are");
	}
	return run_traced(words, &choices, failure, err);
}

/* What the caller names, and who he is, decides what is done: with the rights of another that would be his to
 * use as he likes (CVE-2016-8659). */
static int refuse_setuid(struct error *err)
{
	/* As the kernel told when it started the program: nobody has changed them since. */
	if (getauxval(AT_UID) == getauxval(AT_EUID) && getauxval(AT_GID) == getauxval(AT_EGID))
		return 0;
	error_config(err, "this program must not have the set-user-ID or set-group-ID bit");
	return error_hint(err, "remove it with \"chmod ug-s\"; containers need no such rights");
}

int main(int argc, char **argv)
{
	static char output[64 * 1024] LARGE;
	static struct error err LARGE; /* most often never touched */
	struct words words = {argv + 1, argc - 1};
	int failure = EXIT_FAILURE;
	int r;

	open_missing_stdio();
	/* Whoever does not read what is told must not decide where a command ends, and a caller that does
	 * not care for its children must not keep this one from waiting for its own. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	/* Not line by line, nor an event in pieces: what can't be written is noticed at the end, and told. */
	setvbuf(stdout, output, _IOFBF, sizeof(output));
	if (argc < 1)
		return EXIT_FAILURE;
	r = refuse_setuid(&err);
	if (r == 0)
		r = run(&words, &failure, &err);
	if (r >= 0 && (fflush(stdout) != 0 || ferror(stdout)))
		r = error_errno(&err, errno, "write the output");
	if (r >= 0)
		return r;
	log_error(&err);
	return failure;
}
