/* What create and run have in common: their options, and what these ask for. */
#pragma once

#include "basic/error.h"
#include "cli/command.h"
#include "runtime/create.h"

extern const struct option create_options[];

/* Fills in the request; its strings stay the choices'. */
int create_request_from(const struct choices *choices, struct create_request *request,
			struct error *err);
