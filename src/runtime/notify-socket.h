/*
 * What the container's program says by sd_notify(3) is passed on to the service manager.
 *
 *	https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
 *
 *	create	  makes ROOT/ID/notify, and mounts it in the container
 *	start	  makes the socket in it, lets the program begin, and waits for READY=1
 *
 * READY=1 alone gets through, with MAINPID=, the pid that the service manager knows the program by: the
 * container is not trusted to say anything else.  Then BARRIER=1 makes sure that the message was dealt
 * with before its sender, by whom it is judged, ends.
 *
 * Nothing is locked meanwhile, there is no limit to how long a program may take, and when it ends without
 * a word, so does the waiting.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "basic/error.h"

/* In ROOT/ID; what is in it goes with the container. */
#define NOTIFY_FOLDER "notify"

struct notify_proxy {
	int folder;  /* ROOT/ID/notify, or -1: nobody is told */
	int inside;  /* what the program sends to */
	int outside; /* the service manager's */
};

/* Makes the folder in the container's directory. */
int notify_folder_make(int directory, struct error *err);

/* To be called before the program begins.  wanted: the container was made with such a folder.  address is
 * NOTIFY_SOCKET, or NULL: nobody is told. */
int notify_proxy_begin(struct notify_proxy *proxy, int directory, bool wanted, const char *address,
		       struct error *err);

/* Waits until the program, pid and pidfd, is ready and that was told, or has ended. */
void notify_proxy_wait(struct notify_proxy *proxy, pid_t pid, int pidfd);

/* Takes what has come to proxy->inside, without waiting; for a loop that has other things to do. */
void notify_proxy_take(struct notify_proxy *proxy, pid_t pid);

/* Safe at any time, and more than once. */
void notify_proxy_end(struct notify_proxy *proxy);
