/*
 * linux.netDevices: network devices of the host that are moved into the container.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#network-devices
 *	rtnetlink(7)
 *
 * It is done by the runtime, from outside, as soon as init has its network namespace: before hooks, which
 * may set up what they find, and before sysctl, which may be about one of the devices.  A device that is
 * moved goes down and loses its addresses; the global ones that somebody has set for good are given back to
 * it, and it is up, as the specification wants it.
 *
 * If the container fails to be made they are moved back.  When it ends the kernel does what it does with
 * devices of a namespace that goes: real ones return to the host, others end.
 */
#include "linux/net-devices.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "basic/cleanup.h"
#include "basic/log.h"
#include "basic/procfs.h"
#include "linux/namespaces.h"
#include "linux/netlink-request.h"
#include "linux/section.h"

enum { MOST_TRIES = 10000 /* of a number for %d */ };

/* A request that gives one address back, all but the device's index. */
struct address {
	struct netlink_request request;
	struct address *next;
};

/* One device, wherever it is. */
struct device {
	const char *host_name;
	const char *wanted;  /* its name in the container, perhaps with %d */
	char name[IFNAMSIZ]; /* that which it gets */
	int host_index;
	bool was_up;
	struct address *addresses;
	bool moved;
};

/* One of the two network namespaces. */
struct side {
	int namespace;
	struct netlink netlink;
};

struct net_move {
	struct side host, inside;
	struct device *devices;
	size_t count;
	struct arena *arena;
};

/* -- validate ---------------------------------------------------------------------------------- */

/* The kernel's own rule, dev_valid_name(). */
static bool is_name(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length < IFNAMSIZ && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0 && !strpbrk(name, "/: \t\n\v\f\r");
}

/* One %d, and no other %. */
static bool is_template(const char *name)
{
	const char *percent = strchr(name, '%');

	return percent && percent[1] == 'd' && !strchr(percent + 1, '%');
}

static const char *wanted_name(const struct oci_net_device_entry *device)
{
	return device->value.name && device->value.name[0] ? device->value.name : device->key;
}

static int validate_device(const struct oci_linux *properties, size_t index, struct error *err)
{
	const struct oci_net_device_entry *device = &properties->net_devices[index];
	const char *name = wanted_name(device);

	if (!is_name(device->key) || strchr(device->key, '%'))
		return error_config(err, "this is no name of a network device");
	if (!is_name(name) || (strchr(name, '%') && !is_template(name))) {
		error_config(err, "name \"%s\" is no name of a network device", name);
		return error_hint(err, "it has 1 to 15 letters, none of them \"/\", \":\" or white "
				       "space, and may have %%d where the kernel puts a number");
	}
	for (size_t i = 0; i < index && !is_template(name); i++)
		if (strcmp(wanted_name(&properties->net_devices[i]), name) == 0)
			return error_config(err, "linux.netDevices[\"%s\"] is called \"%s\", too",
					    properties->net_devices[i].key, name);
	return 0;
}

static int net_devices_validate(const struct oci_config *config, struct error *err)
{
	const struct oci_linux *properties = config->linux;

	for (size_t i = 0; properties && i < properties->net_devices_len; i++)
		if (validate_device(properties, i, err) < 0)
			return error_in(err, "linux.netDevices[\"%s\"]",
					properties->net_devices[i].key);
	if (!properties || !properties->net_devices_len || namespace_has(config, "network"))
		return 0;
	error_config(err, "linux.netDevices: the container shares the host's network namespace");
	return error_hint(err, "add {\"type\": \"network\"} to linux.namespaces");
}

/* -- prepare ----------------------------------------------------------------------------------- */

static int net_devices_prepare(struct container *container, struct error *err)
{
	const struct oci_linux *properties = container->config->linux;

	if (!properties || !properties->net_devices_len)
		return 0;
	if (!((container->new_namespaces | container->joined_namespaces) & CLONE_NEWNET))
		return error_config(err, "linux.netDevices: the network namespace to join is the "
					 "runtime's own");
	for (size_t i = 0; i < properties->net_devices_len; i++)
		if (if_nametoindex(properties->net_devices[i].key) == 0)
			return error_errno(err, errno,
					   "linux.netDevices[\"%s\"]: find it on the host",
					   properties->net_devices[i].key);
	return 0;
}

/* -- look -------------------------------------------------------------------------------------- */

/* What is asked about a device. */
struct link {
	int index; /* 0: there is none */
	bool up;
};

static int read_link(const struct nlmsghdr *answer, void *context)
{
	const struct ifinfomsg *head = netlink_head(answer, sizeof(*head));
	struct link *link = context;

	if (answer->nlmsg_type != RTM_NEWLINK || !head)
		return -EPROTO;
	link->index = head->ifi_index;
	link->up = head->ifi_flags & IFF_UP;
	return 0;
}

static int find_link(struct netlink *netlink, const char *name, struct link *link)
{
	const struct ifinfomsg head = {.ifi_family = AF_UNSPEC};
	struct netlink_request request;

	*link = (struct link){0};
	netlink_begin(&request, RTM_GETLINK, NLM_F_ACK, &head, sizeof(head));
	netlink_add(&request, IFLA_IFNAME, name, strlen(name) + 1);
	return netlink_talk(netlink, &request, read_link, link);
}

struct address_search {
	struct net_move *move;
	struct device *device;
};

static uint32_t address_flags(const struct nlmsghdr *answer, const struct ifaddrmsg *head)
{
	uint32_t flags = head->ifa_flags;

	for (const struct rtattr *at = NULL; (at = netlink_next(answer, sizeof(*head), at));)
		if (at->rta_type == IFA_FLAGS && RTA_PAYLOAD(at) == sizeof(flags))
			memcpy(&flags, RTA_DATA(at), sizeof(flags));
	return flags;
}

/* Keeps an address in the form of the request that gives it back. */
static int keep_address(const struct nlmsghdr *answer, const struct ifaddrmsg *head, uint32_t flags,
			const struct address_search *search)
{
	const uint32_t settable = IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR |
				  IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN;
	struct address *kept = arena_alloc(search->move->arena, sizeof(*kept));

	if (!kept)
		return -ENOMEM;
	netlink_begin(&kept->request, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, head,
		      sizeof(*head));
	for (const struct rtattr *at = NULL; (at = netlink_next(answer, sizeof(*head), at));)
		if (at->rta_type == IFA_LOCAL || at->rta_type == IFA_ADDRESS ||
		    at->rta_type == IFA_BROADCAST || at->rta_type == IFA_RT_PRIORITY)
			netlink_add(&kept->request, at->rta_type, RTA_DATA(at), RTA_PAYLOAD(at));
	flags &= settable;
	netlink_add(&kept->request, IFA_FLAGS, &flags, sizeof(flags));
	kept->next = search->device->addresses;
	search->device->addresses = kept;
	return 0;
}

/* The kernel tells of all devices' addresses. */
static int read_address(const struct nlmsghdr *answer, void *context)
{
	const struct ifaddrmsg *head = netlink_head(answer, sizeof(*head));
	const struct address_search *search = context;
	uint32_t flags;

	if (answer->nlmsg_type != RTM_NEWADDR || !head)
		return -EPROTO;
	flags = address_flags(answer, head);
	if ((int)head->ifa_index != search->device->host_index ||
	    head->ifa_scope != RT_SCOPE_UNIVERSE || !(flags & IFA_F_PERMANENT))
		return 0;
	return keep_address(answer, head, flags, search);
}

static int look_at_device(struct net_move *move, struct device *device, struct error *err)
{
	const struct ifaddrmsg head = {.ifa_family = AF_UNSPEC};
	struct address_search search = {move, device};
	struct netlink_request request;
	struct link link;
	int r = find_link(&move->host.netlink, device->host_name, &link);

	if (r < 0)
		return error_errno(err, -r, "find it on the host");
	device->host_index = link.index;
	device->was_up = link.up;
	netlink_begin(&request, RTM_GETADDR, NLM_F_DUMP, &head, sizeof(head));
	r = netlink_talk(&move->host.netlink, &request, read_address, &search);
	return r < 0 ? error_errno(err, -r, "read its addresses") : 0;
}

/* The name that it gets: with %d, the first that is free there, as the kernel would choose. */
static int choose_name(struct net_move *move, struct device *device, struct error *err)
{
	const char *percent = strchr(device->wanted, '%');
	int before = percent ? (int)(percent - device->wanted) : 0;
	struct link link;

	for (int number = 0; number < (percent ? MOST_TRIES : 1); number++) {
		int length, r;

		length = percent ? snprintf(device->name, IFNAMSIZ, "%.*s%d%s", before,
					    device->wanted, number, percent + 2)
				 : snprintf(device->name, IFNAMSIZ, "%s", device->wanted);
		if (length >= IFNAMSIZ)
			break;
		r = find_link(&move->inside.netlink, device->name, &link);
		if (r == -ENODEV)
			return 0;
		if (r < 0)
			return error_errno(err, -r, "look for a device \"%s\" in the container",
					   device->name);
	}
	if (percent)
		return error_config(err, "no name like \"%s\" is free in the container",
				    device->wanted);
	return error_config(err, "the container has a device \"%s\" already", device->name);
}

/* -- move -------------------------------------------------------------------------------------- */

static int send_link(struct side *from, int index, const struct side *to, const char *name)
{
	const struct ifinfomsg head = {.ifi_family = AF_UNSPEC, .ifi_index = index};
	struct netlink_request request;

	netlink_begin(&request, RTM_SETLINK, NLM_F_ACK, &head, sizeof(head));
	netlink_add(&request, IFLA_NET_NS_FD, &to->namespace, sizeof(to->namespace));
	netlink_add(&request, IFLA_IFNAME, name, strlen(name) + 1);
	return netlink_talk(&from->netlink, &request, NULL, NULL);
}

static int set_up(struct netlink *netlink, int index)
{
	const struct ifinfomsg head = {
		.ifi_family = AF_UNSPEC,
		.ifi_index = index,
		.ifi_flags = IFF_UP,
		.ifi_change = IFF_UP,
	};
	struct netlink_request request;

	netlink_begin(&request, RTM_SETLINK, NLM_F_ACK, &head, sizeof(head));
	return netlink_talk(netlink, &request, NULL, NULL);
}

static int give_addresses(struct netlink *netlink, int index, const struct device *device)
{
	int r = 0;

	for (struct address *address = device->addresses; address && r == 0;
	     address = address->next) {
		struct ifaddrmsg *head = NLMSG_DATA(&address->request.header);

		head->ifa_index = (unsigned int)index;
		r = netlink_talk(netlink, &address->request, NULL, NULL);
		/* Some a device has by itself as soon as it is up. */
		r = r == -EEXIST ? 0 : r;
	}
	return r;
}

static int explain_move(const struct device *device, int code, struct error *err)
{
	error_errno(err, code, "move it into the container as \"%s\"", device->name);
	if (code == EPERM)
		return error_hint(err, "it takes CAP_NET_ADMIN over both network namespaces");
	if (code == EINVAL)
		return error_hint(err, "some devices, like loopback, never leave their namespace");
	return -err->code;
}

static int move_device(struct net_move *move, struct device *device, struct error *err)
{
	struct link link;
	int r;

	if (look_at_device(move, device, err) < 0 || choose_name(move, device, err) < 0)
		return -err->code;
	r = send_link(&move->host, device->host_index, &move->inside, device->name);
	if (r < 0)
		return explain_move(device, -r, err);
	device->moved = true;
	r = find_link(&move->inside.netlink, device->name, &link);
	if (r < 0)
		return error_errno(err, -r, "find it in the container as \"%s\"", device->name);
	r = set_up(&move->inside.netlink, link.index);
	if (r < 0)
		return error_errno(err, -r, "set it up in the container");
	r = give_addresses(&move->inside.netlink, link.index, device);
	return r < 0 ? error_errno(err, -r, "give it its addresses in the container") : 0;
}

static int return_device(struct net_move *move, const struct device *device)
{
	struct link link;
	int r = find_link(&move->inside.netlink, device->name, &link);

	if (r == 0)
		r = send_link(&move->inside, link.index, &move->host, device->host_name);
	if (r == 0)
		r = find_link(&move->host.netlink, device->host_name, &link);
	if (r == 0 && device->was_up)
		r = set_up(&move->host.netlink, link.index);
	return r == 0 ? give_addresses(&move->host.netlink, link.index, device) : r;
}

/* -- both sides -------------------------------------------------------------------------------- */

/* A socket is for ever of the namespace in which it was made.  There is no way to make one elsewhere but to
 * go there; this process has one thread, and comes back at once. */
static int open_inside(struct net_move *move, struct error *err)
{
	int r;

	if (setns(move->inside.namespace, CLONE_NEWNET) < 0)
		return error_errno(err, errno, "enter the container's network namespace");
	r = netlink_open(&move->inside.netlink);
	if (setns(move->host.namespace, CLONE_NEWNET) < 0)
		return error_errno(err, errno, "return to the host's network namespace");
	return r < 0 ? error_errno(err, -r, "open a socket in the container") : 0;
}

static int open_sides(struct net_move *move, int namespace, struct error *err)
{
	int r;

	move->host.netlink.socket = move->inside.netlink.socket = -1;
	move->inside.namespace = fcntl(namespace, F_DUPFD_CLOEXEC, 3);
	move->host.namespace = procfs_follow(procfs_own(), "self/ns/net", O_RDONLY);
	if (move->host.namespace < 0 || move->inside.namespace < 0)
		return error_errno(err, errno, "open the network namespaces");
	r = netlink_open(&move->host.netlink);
	if (r < 0)
		return error_errno(err, -r, "open a netlink socket");
	return open_inside(move, err);
}

static struct net_move *make_list(const struct container *container)
{
	const struct oci_linux *properties = container->config->linux;
	struct net_move *move = arena_alloc(container->arena, sizeof(*move));

	if (!move)
		return NULL;
	move->arena = container->arena;
	move->count = properties->net_devices_len;
	move->devices = arena_array(move->arena, struct device, move->count);
	if (!move->devices)
		return NULL;
	for (size_t i = 0; i < move->count; i++) {
		move->devices[i].host_name = properties->net_devices[i].key;
		move->devices[i].wanted = wanted_name(&properties->net_devices[i]);
	}
	return move;
}

int net_devices_move(const struct container *container, int namespace, struct net_move **move,
		     struct error *err)
{
	*move = make_list(container);
	if (!*move)
		return arena_full(container->arena, err);
	if (open_sides(*move, namespace, err) < 0) {
		net_devices_leave(move);
		return error_in(err, "linux.netDevices");
	}
	for (size_t i = 0; i < (*move)->count; i++) {
		struct device *device = &(*move)->devices[i];

		if (move_device(*move, device, err) == 0)
			continue;
		error_in(err, "linux.netDevices[\"%s\"]", device->host_name);
		net_devices_return(move);
		return -err->code;
	}
	return 0;
}

void net_devices_return(struct net_move **move)
{
	for (size_t i = 0; *move && i < (*move)->count; i++) {
		const struct device *device = &(*move)->devices[i];

		if (device->moved && return_device(*move, device) < 0)
			log_warning("linux.netDevices[\"%s\"]: it could not be moved back",
				    device->host_name);
	}
	net_devices_leave(move);
}

void net_devices_leave(struct net_move **move)
{
	if (*move) {
		close_fd(&(*move)->host.namespace);
		close_fd(&(*move)->host.netlink.socket);
		close_fd(&(*move)->inside.namespace);
		close_fd(&(*move)->inside.netlink.socket);
	}
	*move = NULL;
}

const struct section section_net_devices = {
	.path = "linux.netDevices",
	.validate = net_devices_validate,
	.prepare = net_devices_prepare,
};
