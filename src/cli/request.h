/* What create and run have in common, and exec in part: their options, and what these ask for. */
#pragma once

#include "basic/error.h"
#include "cli/command.h"
#include "runtime/create.h"

extern const struct option create_options[];

/* How many file descriptors from 3 on are handed over, *all, and how many of them are sockets by the protocol
 * of sd_listen_fds(3); an error if one is not open. */
int preserved_fds(const struct choices *choices, unsigned int *all, unsigned int *sockets,
		  struct error *err);
/* NOTIFY_SOCKET, or NULL if there is none. */
int request_notify_socket(const char **address, struct error *err);

/* Fills in the request; its strings stay the choices'. */
int create_request_from(const struct choices *choices, struct create_request *request,
			struct error *err);
