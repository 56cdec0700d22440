/*
 * "completion": a script that has a shell complete proa's command line.
 *
 *	bash(1) "Programmable Completion", zshcompsys(1), fish-completions(1)
 *
 * All that it knows comes from the tables that the command line is parsed by, so that no option can be
 * forgotten.  Containers are asked for when somebody presses the key.
 */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

/* What is written for each option of a table; a command's, or with NULL those before it. */
typedef void option_writer(const struct command *command, const struct option *option);

static void each_option(const struct command *command, option_writer *write)
{
	const struct option *const *tables = command ? command->options : global_tables;
	const size_t most = command ? sizeof(command->options) / sizeof(command->options[0]) : 2;

	for (size_t i = 0; i < most && tables[i]; i++)
		for (const struct option *row = tables[i]; row->name; row++)
			write(command, row);
	for (const struct option *row = help_options; command && row->name; row++)
		write(command, row);
}

/* A value that is the name of a file. */
static bool is_file(const struct option *option)
{
	static const char *const names[] = {"DIR", "FILE", "PATH"};

	for (size_t i = 0; option->argument && i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(option->argument, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static bool takes_id(const struct command *command)
{
	return strstr(command->arguments, "ID") != NULL && command != &command_create &&
	       command != &command_run && command != &command_restore;
}

/* Writes text for a word in single quotes: with a backslash before each of the characters in special, and
 * quote instead of a quote. */
static void write_quoted(const char *text, const char *special, const char *quote)
{
	for (; *text; text++) {
		if (*text == '\'') {
			fputs(quote, stdout);
			continue;
		}
		if (strchr(special, *text))
			putchar('\\');
		putchar(*text);
	}
}

/* -- bash -------------------------------------------------------------------------------------- */

static void bash_word(const struct option *option)
{
	printf(" --%s", option->name);
	if (option->letter)
		printf(" -%c", option->letter);
}

static void bash_option(const struct command *command, const struct option *option)
{
	(void)command;
	bash_word(option);
}

static void bash_file(const struct command *command, const struct option *option)
{
	(void)command;
	if (is_file(option))
		bash_word(option);
}

static void bash_value(const struct command *command, const struct option *option)
{
	(void)command;
	if (option->argument)
		bash_word(option);
}

static void bash_list(const char *name, const struct command *command, option_writer *write)
{
	printf("\t\t%s='", name);
	each_option(command, write);
	puts(" '");
}

/* One command's row of the case statement; NULL: what stands before the command. */
static void bash_row(const struct command *command)
{
	printf("\t%s)\n", command ? command->name : "''");
	bash_list("options", command, bash_option);
	bash_list("values", command, bash_value);
	bash_list("files", command, bash_file);
	if (command && takes_id(command))
		puts("\t\twords=$(proa list --quiet 2>/dev/null)");
	puts("\t\t;;");
}

static void write_bash(void)
{
	puts("# Completion of proa's command line for bash: \"proa completion bash\".\n"
	     "_proa()\n{\n"
	     "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
	     "\tlocal command='' options values files words='' i");
	bash_list("values", NULL, bash_value);
	puts("\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	     "\t\tcase ${COMP_WORDS[i]} in\n"
	     "\t\t-*) [[ $values != *\" ${COMP_WORDS[i]} \"* ]] || ((++i)) ;;\n"
	     "\t\t*)\n\t\t\tcommand=${COMP_WORDS[i]}\n\t\t\tbreak\n"
	     "\t\t\t;;\n\t\tesac\n\tdone\n\tcase $command in");
	bash_row(NULL);
	for (size_t i = 0; commands[i]; i++)
		bash_row(commands[i]);
	printf("\t*) return ;;\n\tesac\n\t[ -n \"$command\" ] || words='");
	for (size_t i = 0; commands[i]; i++)
		printf("%s%s", i ? " " : "", commands[i]->name);
	puts("'\n"
	     "\tif [[ $files == *\" $before \"* ]]; then\n"
	     "\t\tcompopt -o default\n\t\treturn\n\tfi\n"
	     "\t[[ $values != *\" $before \"* ]] || return\n"
	     "\t[[ $word != -* ]] || words=$options\n"
	     "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n}\n"
	     "complete -F _proa proa");
}

/* -- zsh --------------------------------------------------------------------------------------- */

static void write_zsh_text(const char *text)
{
	write_quoted(text, "[]:\\", "'\\''");
}

static void zsh_form(const struct option *option, bool letter)
{
	printf(" \\\n\t\t\t'");
	if (letter)
		printf("-%c%s", option->letter, option->argument ? "+" : "");
	else
		printf("--%s%s", option->name, option->argument ? "=" : "");
	putchar('[');
	write_zsh_text(option->help);
	putchar(']');
	if (option->argument)
		printf(":%s:%s", option->argument, is_file(option) ? "_files" : "");
	putchar('\'');
}

static void zsh_option(const struct command *command, const struct option *option)
{
	(void)command;
	zsh_form(option, false);
	if (option->letter)
		zsh_form(option, true);
}

static void write_zsh(void)
{
	puts("#compdef proa\n"
	     "# Completion of proa's command line for zsh: \"proa completion zsh\".\n"
	     "_proa_ids()\n{\n"
	     "\tlocal -a ids\n"
	     "\tids=(${(f)\"$(_call_program ids proa list --quiet 2>/dev/null)\"})\n"
	     "\tcompadd -a ids\n}\n\n"
	     "_proa()\n{\n\tlocal state line curcontext=$curcontext\n\tlocal -a list");
	printf("\t_arguments -C");
	each_option(NULL, zsh_option);
	puts(" \\\n\t\t'1:command:->command' '*::argument:->argument'\n\tcase $state in\n"
	     "\tcommand)\n\t\tlist=(");
	for (size_t i = 0; commands[i]; i++) {
		printf("\t\t\t'%s:", commands[i]->name);
		write_zsh_text(commands[i]->summary);
		puts("'");
	}
	puts("\t\t)\n\t\t_describe command list\n\t\t;;\n\targument)\n\t\tcase $words[1] in");
	for (size_t i = 0; commands[i]; i++) {
		printf("\t\t%s) _arguments", commands[i]->name);
		each_option(commands[i], zsh_option);
		printf("%s ;;\n", takes_id(commands[i]) ? " '1:ID:_proa_ids'" : "");
	}
	puts("\t\tesac\n\t\t;;\n\tesac\n}\n\n_proa \"$@\"");
}

/* -- fish -------------------------------------------------------------------------------------- */

static void write_fish_text(const char *text)
{
	write_quoted(text, "\\", "\\'");
}

static void fish_option(const struct command *command, const struct option *option)
{
	if (command)
		printf("complete -c proa -n '__fish_seen_subcommand_from %s'", command->name);
	else
		printf("complete -c proa -n __fish_use_subcommand");
	printf(" -l %s", option->name);
	if (option->letter)
		printf(" -s %c", option->letter);
	if (option->argument)
		printf(is_file(option) ? " -rF" : " -x");
	printf(" -d '");
	write_fish_text(option->help);
	puts("'");
}

static void write_fish(void)
{
	puts("# Completion of proa's command line for fish: \"proa completion fish\".\n"
	     "complete -c proa -f");
	each_option(NULL, fish_option);
	for (size_t i = 0; commands[i]; i++) {
		printf("complete -c proa -n __fish_use_subcommand -a %s -d '", commands[i]->name);
		write_fish_text(commands[i]->summary);
		puts("'");
		if (takes_id(commands[i]))
			printf("complete -c proa -n '__fish_seen_subcommand_from %s' "
			       "-a '(proa list --quiet 2>/dev/null)'\n",
			       commands[i]->name);
		each_option(commands[i], fish_option);
	}
}

/* -- the command ------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*write)(void);
} shells[] = {{"bash", write_bash}, {"fish", write_fish}, {"zsh", write_zsh}};

static int run(const struct choices *choices, struct error *err)
{
	const char *shell = choices->arguments[0];

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		if (strcmp(shells[i].name, shell) == 0) {
			shells[i].write();
			return 0;
		}
	error_config(err, "unknown shell \"%s\"", shell);
	return error_hint(err, "there are bash, fish and zsh");
}

static const struct option completion_options[] = {
	{NULL, 0, NULL, NULL, OPTION_IGNORED, 0},
};

const struct command command_completion = {
	.name = "completion",
	.arguments = "SHELL",
	.summary = "print a script that has a shell complete this command line",
	.options = {completion_options},
	.least = 1,
	.most = 1,
	.run = run,
};
