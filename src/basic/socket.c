#include "basic/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "basic/cleanup.h"
#include "basic/procfs.h"

/* The address has room for 107 bytes, a path may have 4095: the directory is opened and named by its
 * fd. */
static int make_address(struct sockaddr_un *address, int dir, const char *name)
{
	char path[PROCFS_FD_SIZE];
	int r = procfs_name_fd(dir, path), length;

	if (r < 0)
		return r;
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	length = snprintf(address->sun_path, sizeof(address->sun_path), "%s/%s", path, name);
	return length < (int)sizeof(address->sun_path) ? 0 : -ENAMETOOLONG;
}

static int connect_at(int type, int dir, const char *name)
{
	autoclose int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;
	int r;

	if (fd < 0)
		return -errno;
	r = make_address(&address, dir, name);
	if (r < 0)
		return r;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return take_fd(&fd);
}

int socket_connect_at(int dir, const char *name)
{
	return connect_at(SOCK_SEQPACKET, dir, name);
}

/* Engines take "no such file" for a program of the container that is missing. */
static int explain_connect(const char *address, int code, struct error *err)
{
	if (code != ENOENT && code != ECONNREFUSED)
		return error_errno(err, code, "connect to %s", address);
	error_config(err, "nobody listens on %s", address);
	err->code = code;
	return -code;
}

static int connect_to(int type, const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	autofree char *folder = NULL;
	autoclose int dir = -1;
	int fd;

	folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	if (!folder)
		return error_errno(err, ENOMEM, "connect to %s", path);
	dir = openat(AT_FDCWD, folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return explain_connect(path, errno, err);
	fd = connect_at(type, dir, slash ? slash + 1 : path);
	return fd >= 0 ? fd : explain_connect(path, -fd, err);
}

int socket_connect(const char *path, struct error *err)
{
	return connect_to(SOCK_STREAM, path, err);
}

static int connect_abstract(const char *address, struct error *err)
{
	autoclose int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	size_t length = strlen(address);

	if (length > sizeof(name.sun_path))
		return error_errno(err, ENAMETOOLONG, "connect to %s", address);
	memcpy(name.sun_path + 1, address + 1, length - 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&name,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
		return explain_connect(address, errno, err);
	return take_fd(&fd);
}

int socket_connect_datagram(const char *address, struct error *err)
{
	return address[0] == '@' ? connect_abstract(address, err)
				 : connect_to(SOCK_DGRAM, address, err);
}

static int bind_at(int fd, int dir, const char *name, mode_t mode)
{
	struct sockaddr_un address;
	int r = make_address(&address, dir, name);

	if (r < 0)
		return r;
	/* The folder is the owner's alone, so the moment before the mode is set is nobody's chance. */
	return bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
			       fchmodat(dir, name, mode, 0) < 0
		       ? -errno
		       : 0;
}

int socket_receive_at(int dir, const char *name, struct error *err)
{
	autoclose int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r = fd < 0 ? -errno : bind_at(fd, dir, name, 0777);

	return r < 0 ? error_errno(err, -r, "make the socket %s", name) : take_fd(&fd);
}

int socket_listen_at(int dir, const char *name, struct error *err)
{
	autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return error_errno(err, errno, "make the socket %s", name);
	r = bind_at(fd, dir, name, 0600);
	if (r == 0 && listen(fd, 1) < 0)
		r = -errno;
	return r < 0 ? error_errno(err, -r, "listen on the socket %s", name) : take_fd(&fd);
}

int socket_send_fd(int socket, int fd, const char *text, struct error *err)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec part = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};
	struct msghdr header = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t sent;

	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.align), &fd, sizeof(int));
	do
		sent = sendmsg(socket, &header, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? error_errno(err, errno, "send a file descriptor") : 0;
}
