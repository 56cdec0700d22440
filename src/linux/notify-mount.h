/*
 * Where the container's program says how it goes: the socket of sd_notify(3).
 *
 * The service manager's own socket is not shown to the container, which could tell it anything.  It gets
 * a directory of the runtime's, read-only, in which "start" makes a socket of its own; see
 * runtime/notify-socket.h.
 */
#pragma once

#include "linux/container.h"

/* In the container. */
#define NOTIFY_FOLDER_INSIDE "/run/notify"
#define NOTIFY_SOCKET_NAME   "notify.sock"
#define NOTIFY_SOCKET_INSIDE NOTIFY_FOLDER_INSIDE "/" NOTIFY_SOCKET_NAME

/* Plans the mount, to come after all others: the container may have a tmpfs on /run.  Returns how many
 * mounts that makes: none where there is no notify_folder, which is taken away if it can't be, or is not to
 * be, used. */
int notify_mount_plan(struct container *container, struct mount_plan *plan, struct error *err);

/* Opens it, where that takes the runtime's privileges, once the directory is there. */
int notify_mount_open(struct container *container, struct error *err);
