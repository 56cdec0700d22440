/*
 * The loopback device of a new network namespace is up.
 *
 *	netdevice(7)
 *
 * Programs expect 127.0.0.1 to be there, and nobody else sees to it where no engine sets a network up.  A
 * namespace that is joined is its maker's.
 */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "linux/section.h"

static int loopback_apply(struct container *container, struct error *err)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	autoleave int fd = -1;

	if (!(container->new_namespaces & CLONE_NEWNET))
		return 0;
	/* Any socket will do, and this family needs no module. */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return error_errno(err, errno, "set the loopback device up");
	return 0;
}

const struct step step_loopback = {"loopback", loopback_apply};
