/* How soon the kernel kills the container: who says so. */
#pragma once

#include <stdbool.h>

#include "linux/container.h"

/* Whether a program of exec asks for it itself, before it becomes proa-init: that can't be traced, so that to a
 * plain user its files are root's. */
bool oom_score_adj_is_own(const struct container *container);
