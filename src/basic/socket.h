/* Unix sockets in the file system, whatever the length of their path. */
#pragma once

#include "basic/error.h"

/* Connects a stream socket to path. */
int socket_connect(const char *path, struct error *err);

/* The same for a SOCK_SEQPACKET socket called name in the directory dir; an error without text: a
 * negative errno. */
int socket_connect_at(int dir, const char *name);

/* Connects a datagram socket to an address as sd_notify(3) has it: a path, or "@" and an abstract
 * name. */
int socket_connect_datagram(const char *address, struct error *err);

/* Listens, SOCK_SEQPACKET, on a new socket called name in the directory dir; its mode is 0600. */
int socket_listen_at(int dir, const char *name, struct error *err);

/* A new datagram socket called name in the directory dir, to which everybody who can reach it may send. */
int socket_receive_at(int dir, const char *name, struct error *err);

/* Sends fd with one message, which says text; takes no ownership. */
int socket_send_fd(int socket, int fd, const char *text, struct error *err);
