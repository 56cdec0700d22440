/* What the clocks of a container's new time namespace show. */
#pragma once

#include "linux/container.h"

/* For who has just made the time namespace with unshare(2): its offsets can be set until the first
 * process is in it, which is the caller's next child. */
int time_offsets_write(const struct container *container, struct error *err);
