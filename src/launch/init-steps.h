/* Init's steps that belong to no property of config.json: its talk with the runtime, and its end. */
#pragma once

#include "linux/section.h"

/* Over which of its two sockets a process talks to the runtime: as long as there is a next one to make, over
 * the stage's. */
int init_voice(const struct container *container);

extern const struct step step_join_namespaces;
extern const struct step step_move_devices;
extern const struct step step_run_hooks;
extern const struct step step_create_container_hooks;
extern const struct step step_give_console;
extern const struct step step_give_listener;
extern const struct step step_ready;
extern const struct step step_wait_for_start;
extern const struct step step_start_container_hooks;
extern const struct step step_execute;

/* exec's alone */
extern const struct step step_enter_namespaces;
extern const struct step step_keep_sockets;
extern const struct step step_enter_pid_early;
extern const struct step step_enter_pid;
extern const struct step step_execute_more;
