/* Whether a container's processes are kept in as config.json asks for, whoever made them. */
#pragma once

#include "basic/error.h"
#include "runtime/creation.h"

/* Asks the kernel, of each process in the cgroup, or of the first where there is none: its namespaces, its
 * capabilities, its seccomp filter, no_new_privs.  maker is in the cgroup, too, and left out. */
int restored_check(struct creation *creation, pid_t maker, struct error *err);

/* Ends the same processes, which still stand where CRIU has stopped them: it lets them go on even if it is told that they
 * must not.  So the maker ends, too.  Nothing is waited for. */
void restored_kill(struct creation *creation, pid_t maker);

/* Closes the first process's mounts as config.json says: read-only, nosuid and so on; never opens one.  None of the
 * processes may go on meanwhile. */
int restored_mounts(const struct creation *creation, struct error *err);
