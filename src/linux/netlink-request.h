/*
 * A small rtnetlink: one request, its answers, its end.  For the runtime alone.
 *
 *	netlink(7), rtnetlink(7)
 *
 * Not called netlink.h, as the kernel's header of that name would no longer be found.
 */
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NETLINK_ROOM = 512 };

/* A request in the making.  What does not fit is left out and remembered: netlink_talk() then refuses. */
struct netlink_request {
	union {
		struct nlmsghdr header;
		char bytes[NETLINK_ROOM];
	};
	bool full;
};

/* A conversation with the kernel about one network namespace. */
struct netlink {
	int socket;
	uint32_t sequence; /* of the last request: what its answers are told apart by */
};

/* About the namespace that this process is in at the moment; returns 0 or a negative errno. */
int netlink_open(struct netlink *netlink);

/* head is what follows the header of a message of this type: a struct ifinfomsg, a struct ifaddrmsg.  flags
 * has NLM_F_DUMP, or NLM_F_ACK: there is always a last answer. */
void netlink_begin(struct netlink_request *request, uint16_t type, uint16_t flags, const void *head,
		   size_t size);
void netlink_add(struct netlink_request *request, uint16_t type, const void *data, size_t size);

/* Looks at one answer; what it returns below 0 is what netlink_talk() returns. */
typedef int netlink_reader(const struct nlmsghdr *answer, void *context);

/* Sends the request and goes through all answers; reader may be NULL.  Returns 0, or a negative errno: the
 * kernel's, the reader's, or -EPROTO for what is no sound message. */
int netlink_talk(struct netlink *netlink, struct netlink_request *request, netlink_reader *reader,
		 void *context);

/* What follows the header of an answer, if it is there in full, or NULL. */
const void *netlink_head(const struct nlmsghdr *answer, size_t size);

/* Goes through the attributes behind a head of this size: NULL begins; returns NULL at the end. */
const struct rtattr *netlink_next(const struct nlmsghdr *answer, size_t head_size,
				  const struct rtattr *attribute);
