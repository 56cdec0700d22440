/*
 * rtnetlink, as much of it as linux.netDevices needs.
 *
 *	netlink(7), rtnetlink(7)
 *
 * Every length that comes in a message is checked against what was received, and every length that goes out
 * against the room there is: CVE-2021-43784 was a length that did not fit.
 */
#include "linux/netlink-request.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_ROOM = 32768, /* what the kernel puts into one answer at most */ };

int netlink_open(struct netlink *netlink)
{
	netlink->socket = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	netlink->sequence = 0;
	return netlink->socket < 0 ? -errno : 0;
}

void netlink_begin(struct netlink_request *request, uint16_t type, uint16_t flags, const void *head,
		   size_t size)
{
	memset(request, 0, sizeof(*request));
	request->header.nlmsg_len = NLMSG_LENGTH(0);
	request->header.nlmsg_type = type;
	request->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	request->full = NLMSG_SPACE(size) > NETLINK_ROOM;
	if (request->full)
		return;
	memcpy(NLMSG_DATA(&request->header), head, size);
	request->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
}

void netlink_add(struct netlink_request *request, uint16_t type, const void *data, size_t size)
{
	size_t used = NLMSG_ALIGN(request->header.nlmsg_len);
	struct rtattr *attribute = (struct rtattr *)(void *)(request->bytes + used);

	if (request->full || size > NETLINK_ROOM || used + RTA_SPACE(size) > NETLINK_ROOM) {
		request->full = true;
		return;
	}
	attribute->rta_type = type;
	attribute->rta_len = (unsigned short)RTA_LENGTH(size);
	memcpy(RTA_DATA(attribute), data, size);
	request->header.nlmsg_len = (uint32_t)(used + RTA_LENGTH(size));
}

const void *netlink_head(const struct nlmsghdr *answer, size_t size)
{
	return answer->nlmsg_len >= NLMSG_LENGTH(size) ? NLMSG_DATA(answer) : NULL;
}

const struct rtattr *netlink_next(const struct nlmsghdr *answer, size_t head_size,
				  const struct rtattr *attribute)
{
	const char *end = (const char *)answer + answer->nlmsg_len;
	const char *at = attribute ? (const char *)attribute + RTA_ALIGN(attribute->rta_len)
				   : (const char *)answer + NLMSG_SPACE(head_size);
	const struct rtattr *next = (const struct rtattr *)(const void *)at;

	if (at > end || (size_t)(end - at) < sizeof(*next))
		return NULL;
	return next->rta_len >= sizeof(*next) && next->rta_len <= end - at ? next : NULL;
}

/* Takes what has come; only the kernel is listened to. */
static ssize_t receive_answers(int socket, char *answers)
{
	struct sockaddr_nl from;
	socklen_t size = sizeof(from);
	ssize_t count;

	do {
		count = recvfrom(socket, answers, ANSWER_ROOM, MSG_TRUNC, (struct sockaddr *)&from,
				 &size);
	} while ((count < 0 && errno == EINTR) || (count >= 0 && from.nl_pid != 0));
	if (count < 0)
		return -errno;
	return count > ANSWER_ROOM ? -EPROTO : count;
}

/* Returns 1 when it was the last one. */
static int take_answer(const struct nlmsghdr *answer, netlink_reader *reader, void *context)
{
	const int *code;

	if (answer->nlmsg_type == NLMSG_NOOP)
		return 0;
	if (answer->nlmsg_type == NLMSG_ERROR || answer->nlmsg_type == NLMSG_DONE) {
		/* Either begins with a negative errno, or 0. */
		code = netlink_head(answer, sizeof(*code));
		if (!code || *code > 0)
			return -EPROTO;
		return *code < 0 ? *code : 1;
	}
	return reader ? reader(answer, context) : 0;
}

/* Goes through what came at once. */
static int take_answers(const char *answers, size_t length, uint32_t sequence,
			netlink_reader *reader, void *context)
{
	int r = 0;

	while (length > 0 && r == 0) {
		const struct nlmsghdr *answer = (const void *)answers;
		size_t step;

		if (length < sizeof(*answer) || answer->nlmsg_len < sizeof(*answer) ||
		    answer->nlmsg_len > length)
			return -EPROTO;
		if (answer->nlmsg_seq == sequence)
			r = take_answer(answer, reader, context);
		step = NLMSG_ALIGN((size_t)answer->nlmsg_len);
		step = step < length ? step : length;
		answers += step;
		length -= step;
	}
	return r;
}

int netlink_talk(struct netlink *netlink, struct netlink_request *request, netlink_reader *reader,
		 void *context)
{
	static const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	char answers[ANSWER_ROOM] __attribute__((aligned(NLMSG_ALIGNTO)));
	int r = 0;

	if (request->full)
		return -EMSGSIZE;
	request->header.nlmsg_seq = ++netlink->sequence;
	if (sendto(netlink->socket, request->bytes, request->header.nlmsg_len, 0,
		   (const struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return -errno;
	while (r == 0) {
		ssize_t length = receive_answers(netlink->socket, answers);

		if (length < 0)
			return (int)length;
		r = take_answers(answers, (size_t)length, netlink->sequence, reader, context);
	}
	return r < 0 ? r : 0;
}
