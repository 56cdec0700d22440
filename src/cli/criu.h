/* What checkpoint and restore have in common: their options, and what these ask for. */
#pragma once

#include "basic/error.h"
#include "cli/command.h"
#include "runtime/checkpoint.h"

extern const struct option criu_options[];

/* Fills in the request; its strings stay the choices'. */
int checkpoint_request_from(const struct choices *choices, struct checkpoint_request *request,
			    struct error *err);
