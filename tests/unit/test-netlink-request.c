#include "linux/netlink-request.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

static struct netlink_request request;
static const struct ifinfomsg link_head = {.ifi_family = AF_UNSPEC};

static struct netlink open_kernel(void)
{
	struct netlink netlink;

	ck_assert_int_eq(netlink_open(&netlink), 0);
	return netlink;
}

static void ask_for(const char *name)
{
	netlink_begin(&request, RTM_GETLINK, NLM_F_ACK, &link_head, sizeof(link_head));
	netlink_add(&request, IFLA_IFNAME, name, strlen(name) + 1);
}

static int count_and_keep_index(const struct nlmsghdr *answer, void *context)
{
	const struct ifinfomsg *head = netlink_head(answer, sizeof(*head));
	int *seen = context;

	ck_assert_ptr_nonnull(head);
	seen[0]++;
	seen[1] = head->ifi_index;
	return 0;
}

TEST(asks_the_kernel_and_hears_its_answer)
{
	struct netlink netlink = open_kernel();
	int seen[2] = {0};

	ask_for("lo");
	ck_assert_int_eq(netlink_talk(&netlink, &request, count_and_keep_index, seen), 0);
	ck_assert_int_eq(seen[0], 1);
	ck_assert_uint_eq((unsigned int)seen[1], if_nametoindex("lo"));
	close(netlink.socket);
}

TEST(returns_the_kernels_error)
{
	struct netlink netlink = open_kernel();
	int seen[2] = {0};

	ask_for("no-such-device");
	ck_assert_int_eq(netlink_talk(&netlink, &request, count_and_keep_index, seen), -ENODEV);
	ck_assert_int_eq(seen[0], 0);
	/* The conversation goes on after it. */
	ask_for("lo");
	ck_assert_int_eq(netlink_talk(&netlink, &request, NULL, NULL), 0);
	close(netlink.socket);
}

TEST(goes_through_all_answers_of_a_dump)
{
	struct netlink netlink = open_kernel();
	int seen[2] = {0};

	netlink_begin(&request, RTM_GETLINK, NLM_F_DUMP, &link_head, sizeof(link_head));
	ck_assert_int_eq(netlink_talk(&netlink, &request, count_and_keep_index, seen), 0);
	ck_assert_int_ge(seen[0], 1);
	close(netlink.socket);
}

static int refuse(const struct nlmsghdr *answer, void *context)
{
	(void)answer, (void)context;
	return -EXDEV;
}

TEST(stops_when_its_reader_does_not_like_an_answer)
{
	struct netlink netlink = open_kernel();
	int seen[2] = {0};

	ask_for("lo");
	ck_assert_int_eq(netlink_talk(&netlink, &request, refuse, NULL), -EXDEV);
	/* What is left of the old answer is not taken for one to the new request. */
	ask_for("lo");
	ck_assert_int_eq(netlink_talk(&netlink, &request, count_and_keep_index, seen), 0);
	ck_assert_int_eq(seen[0], 1);
	close(netlink.socket);
}

TEST(refuses_to_send_what_did_not_fit)
{
	struct netlink netlink = open_kernel();
	char large[NETLINK_ROOM] = {0};

	ask_for("lo");
	netlink_add(&request, IFLA_IFALIAS, large, sizeof(large));
	ck_assert(request.full);
	ck_assert_uint_le(request.header.nlmsg_len, NETLINK_ROOM);
	ck_assert_int_eq(netlink_talk(&netlink, &request, NULL, NULL), -EMSGSIZE);
	ask_for("lo");
	netlink_add(&request, IFLA_IFALIAS, large, SIZE_MAX);
	ck_assert(request.full);
	netlink_begin(&request, RTM_GETLINK, NLM_F_ACK, large, sizeof(large));
	ck_assert(request.full);
	close(netlink.socket);
}

TEST(fills_a_request_up_to_its_last_byte)
{
	const size_t left = NETLINK_ROOM - NLMSG_SPACE(sizeof(link_head)) - RTA_LENGTH(0);
	char text[NETLINK_ROOM] = {0};

	netlink_begin(&request, RTM_GETLINK, NLM_F_ACK, &link_head, sizeof(link_head));
	netlink_add(&request, IFLA_IFALIAS, text, left);
	ck_assert(!request.full);
	ck_assert_uint_eq(request.header.nlmsg_len, NETLINK_ROOM);
	netlink_add(&request, IFLA_IFALIAS, text, 0);
	ck_assert(request.full);
}

/* -- what comes ---------------------------------------------------------------------------------- */

TEST(finds_no_attribute_that_is_longer_than_its_message)
{
	const struct rtattr *at = NULL;
	struct rtattr *first;
	int count = 0;

	ask_for("lo");
	netlink_add(&request, IFLA_MTU, &count, sizeof(count));
	while ((at = netlink_next(&request.header, sizeof(link_head), at)))
		count++;
	ck_assert_int_eq(count, 2);
	first = (struct rtattr *)(void *)(request.bytes + NLMSG_SPACE(sizeof(link_head)));
	first->rta_len = 0;
	ck_assert_ptr_null(netlink_next(&request.header, sizeof(link_head), NULL));
	first->rta_len = sizeof(*first) - 1;
	ck_assert_ptr_null(netlink_next(&request.header, sizeof(link_head), NULL));
	first->rta_len = UINT16_MAX;
	ck_assert_ptr_null(netlink_next(&request.header, sizeof(link_head), NULL));
	first->rta_len = RTA_LENGTH(3);
	request.header.nlmsg_len = NLMSG_SPACE(sizeof(link_head)) + sizeof(*first);
	ck_assert_ptr_null(netlink_next(&request.header, sizeof(link_head), NULL));
	request.header.nlmsg_len = NLMSG_LENGTH(sizeof(link_head)) - 1;
	ck_assert_ptr_null(netlink_head(&request.header, sizeof(link_head)));
	ck_assert_ptr_null(netlink_next(&request.header, sizeof(link_head), NULL));
}

RUN_TESTS("netlink-request", asks_the_kernel_and_hears_its_answer, returns_the_kernels_error,
	  goes_through_all_answers_of_a_dump, stops_when_its_reader_does_not_like_an_answer,
	  refuses_to_send_what_did_not_fit, fills_a_request_up_to_its_last_byte,
	  finds_no_attribute_that_is_longer_than_its_message)
