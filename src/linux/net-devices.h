/* Network devices of the host that become the container's.  For the runtime alone. */
#pragma once

#include "basic/error.h"
#include "linux/container.h"

/* What was moved, in the container's arena. */
struct net_move;

/* Moves linux.netDevices into the network namespace that is open as namespace, and puts into *move what
 * net_devices_return() needs.  After a failure all are back. */
int net_devices_move(const struct container *container, int namespace, struct net_move **move,
		     struct error *err);

/* The container is not going to be: they go back to the host, as far as that is possible.  *move may be
 * NULL, and is so afterwards. */
void net_devices_return(struct net_move **move);

/* The container has come to be, and they are its own. */
void net_devices_leave(struct net_move **move);
