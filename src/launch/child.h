/* The moment between clone and exec. */
#pragma once

#include <stdbool.h>

#include "launch/launch.h"

/* Programs in memory may not be executed here, or what with them went wrong otherwise.  There is no second way:
 * of a program in a file the container could see, and by a bug of the kernel's change, what is the host's. */
int child_memory_error(struct error *err, int code, const char *what);

/* Whether what child_run() does needs no answer of the runtime's and changes nothing that goes with the memory:
 * its identity, or its oom_score_adj, which is that of all who share it. */
bool child_is_plain(const struct launch *launch);

/* In the cloned child: gets into its cgroups and user namespace and executes proa-init. */
_Noreturn void child_run(const struct launch *launch);
