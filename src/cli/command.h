/*
 * A command: what the user types behind the program's name.  Each has its own file, named after it;
 * a line in main.c's list adds it to the program and its help.
 */
#pragma once

#include <stdbool.h>

#include "basic/error.h"
#include "cli/options.h"
#include "criu/options.h"
#include "runtime/state-root.h"

/* What "update" is told on its own command line, as text. */
enum update_value {
	UPDATE_BLKIO_WEIGHT,
	UPDATE_CPU_BURST,
	UPDATE_CPU_IDLE,
	UPDATE_CPU_PERIOD,
	UPDATE_CPU_QUOTA,
	UPDATE_CPU_RT_PERIOD,
	UPDATE_CPU_RT_RUNTIME,
	UPDATE_CPU_SHARES,
	UPDATE_CPUSET_CPUS,
	UPDATE_CPUSET_MEMS,
	UPDATE_KERNEL_MEMORY,
	UPDATE_KERNEL_MEMORY_TCP,
	UPDATE_L3_CACHE_SCHEMA,
	UPDATE_MEM_BW_SCHEMA,
	UPDATE_MEMORY,
	UPDATE_MEMORY_RESERVATION,
	UPDATE_MEMORY_SWAP,
	UPDATE_PIDS_LIMIT,
	UPDATE_VALUES,
};

/* What the user chose: the values of all options, and the command's other words. */
struct choices {
	/* before the command */
	const char *root, *log, *log_format, *log_level, *cgroup_manager, *trace;
	bool debug, systemd_cgroup, version, help;

	/* of the commands */
	const char *bundle, *config, *pid_file, *console_socket, *pidfd_socket, *format, *interval;
	const char *process, *cwd, *user, *apparmor, *process_label;
	struct text_list env, cap, additional_gids, cgroup;
	bool no_pivot, no_new_keyring, detach, keep, all, force, quiet, rootless, stats;
	bool tty, no_new_privs, ignore_paused;
	unsigned int preserve_fds;
	const char *resources, *update[UPDATE_VALUES];

	/* of checkpoint and restore */
	const char *image_path, *work_path, *cgroups_mode, *network_lock, *page_server;
	struct text_list empty_ns;
	unsigned int status_fd;
	struct criu_options criu;
	bool pre_dump, trust_image;

	char **arguments; /* ended by NULL */
};

#define CHOICE(what, member) OPTION_INTO(what, struct choices, member)

struct command {
	const char *name;
	const char *arguments; /* for help: "ID [SIGNAL]" */
	const char *summary;
	const struct option *options[2]; /* tables, ended by NULL if there are fewer */
	int least, most;		 /* how many arguments there may be */
	bool options_first; /* the arguments behind the first are another program's: no options */
	int failure;	    /* the exit status of an error, where it is not 1 */

	/* Returns the program's exit status, or a negative errno. */
	int (*run)(const struct choices *choices, struct error *err);
};

/* Whether --format asks for JSON; it is json or table. */
int choose_json(const struct choices *choices, bool *json, struct error *err);

extern const struct command command_checkpoint;
extern const struct command command_completion;
extern const struct command command_create;
extern const struct command command_delete;
extern const struct command command_events;
extern const struct command command_exec;
extern const struct command command_features;
extern const struct command command_kill;
extern const struct command command_list;
extern const struct command command_pause;
extern const struct command command_ps;
extern const struct command command_restore;
extern const struct command command_resume;
extern const struct command command_run;
extern const struct command command_spec;
extern const struct command command_start;
extern const struct command command_state;
extern const struct command command_update;

/* -- main.c: the lists, for who tells of all that can be typed --------------------------------- */

extern const struct command *const commands[]; /* ended by NULL */
extern const struct option
	*const global_tables[];		   /* what stands before the command; ended by NULL */
extern const struct option help_options[]; /* what every command has */
