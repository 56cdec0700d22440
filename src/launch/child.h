/* The moment between clone and exec. */
#pragma once

#include "launch/launch.h"

/* In the cloned child: gets into its cgroups and user namespace and executes proa-init from image. */
_Noreturn void child_run(const struct launch *launch, int image);
