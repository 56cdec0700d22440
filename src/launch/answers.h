/* What the runtime does when the stage or init asks. */
#pragma once

#include "launch/launch.h"

/* Until the stage has said its last: then launch->init is known. */
int answer_stage(struct launch *launch, struct error *err);

/* Until init is ready; READY's DONE is left for answer_ready(). */
int answer_init(struct launch *launch, struct error *err);
int answer_ready(struct launch *launch, struct error *err);
