#include "basic/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tree.h"
#include "unit.h"

static struct tree tree;
static struct error err;

#define NOBODY "nobody listens on ", ""

/* Listens as an engine does, which has its own ways with long paths: from within the folder. */
static int listen_as_engine(const char *folder, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(chdir(folder), 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", name);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(chdir("/"), 0);
	return fd;
}

static int accept_one(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

/* The error is that of connecting to name in the scratch folder; its text has this before and after the path. */
static void expect_error(const char *name, int code, const char *before, const char *after)
{
	char path[128], text[256];

	snprintf(path, sizeof(path), "%s/%s", tree.path, name);
	snprintf(text, sizeof(text), "%s%s%s", before, path, after);
	ck_assert_int_eq(socket_connect(path, &err), -code);
	ck_assert_str_eq(err.text, text);
}

/* The path of a folder far deeper than a socket's address is long. */
static const char *make_deep_folder(void)
{
	static char path[1024];
	size_t used = (size_t)snprintf(path, sizeof(path), "%s", tree.path);

	for (int i = 0; i < 20; i++) {
		used += (size_t)snprintf(path + used, sizeof(path) - used,
					 "/a-folder-with-a-long-name-%d", i);
		ck_assert_int_eq(mkdir(path, 0755), 0);
	}
	return path;
}

/* -- connect ----------------------------------------------------------------------------------- */

TEST(connects_to_a_path_of_any_length)
{
	char path[2048];
	const char *folder;
	int listener, fd, other;

	tree = tree_make();
	folder = make_deep_folder();
	listener = listen_as_engine(folder, "console.sock");
	snprintf(path, sizeof(path), "%s/console.sock", folder);
	ck_assert_uint_gt(strlen(path), sizeof(((struct sockaddr_un *)0)->sun_path) * 4);
	fd = socket_connect(path, &err);
	ck_assert_msg(fd >= 0, "%s", err.text);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	other = accept_one(listener);
	close(other);
	close(fd);
	close(listener);
	tree_remove(&tree);
}

TEST(connects_to_a_path_without_a_folder)
{
	int listener, fd;

	tree = tree_make();
	listener = listen_as_engine(tree.path, "s");
	ck_assert_int_eq(chdir(tree.path), 0);
	fd = socket_connect("s", &err);
	ck_assert_msg(fd >= 0, "%s", err.text);
	close(fd);
	close(listener);
	ck_assert_int_eq(chdir("/"), 0);
	tree_remove(&tree);
}

TEST(takes_datagrams_from_everybody_who_reaches_it)
{
	struct stat status;
	char path[128], bytes[8];
	int dir, inside, fd;

	tree = tree_make();
	dir = open(tree.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	inside = socket_receive_at(dir, "d", &err);
	ck_assert_msg(inside >= 0, "%s", err.text);
	ck_assert_int_eq(fstatat(dir, "d", &status, 0), 0);
	ck_assert_int_eq(status.st_mode & 07777, 0777);
	snprintf(path, sizeof(path), "%s/d", tree.path);
	fd = socket_connect_datagram(path, &err);
	ck_assert_msg(fd >= 0, "%s", err.text);
	ck_assert_int_eq(send(fd, "one", 3, 0), 3);
	ck_assert_int_eq(recv(inside, bytes, sizeof(bytes), 0), 3);
	ck_assert_int_eq(socket_receive_at(dir, "d", &err), -EADDRINUSE);
	ck_assert_str_eq(err.text, "make the socket d: address already in use");
	close(fd);
	close(inside);
	close(dir);
	tree_remove(&tree);
}

TEST(connects_to_an_abstract_name)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int inside = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), fd;
	char address[120];

	snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "proa-%d", getpid());
	ck_assert_int_eq(bind(inside, (struct sockaddr *)&name,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
					  strlen(name.sun_path + 1))),
			 0);
	snprintf(address, sizeof(address), "@%s", name.sun_path + 1);
	fd = socket_connect_datagram(address, &err);
	ck_assert_msg(fd >= 0, "%s", err.text);
	close(fd);
	close(inside);
	ck_assert_int_eq(socket_connect_datagram(address, &err), -ECONNREFUSED);
	memset(address, 'x', sizeof(address) - 1);
	address[0] = '@';
	address[sizeof(address) - 1] = '\0';
	ck_assert_int_eq(socket_connect_datagram(address, &err), -ENAMETOOLONG);
}

TEST(tells_why_it_can_not_connect)
{
	tree = tree_make();
	expect_error("s", ENOENT, NOBODY);
	close(listen_as_engine(tree.path, "s"));
	expect_error("s", ECONNREFUSED, NOBODY);
	tree_file(&tree, "file", 0644, "");
	expect_error("file", ECONNREFUSED, NOBODY);
	expect_error("none/s", ENOENT, NOBODY);
	expect_error("file/s", ENOTDIR, "connect to ", ": not a directory");
	tree_remove(&tree);
}

TEST(refuses_a_name_too_long_for_any_address)
{
	char path[256];

	tree = tree_make();
	snprintf(path, sizeof(path), "%s/%0150d", tree.path, 1);
	ck_assert_int_eq(socket_connect(path, &err), -ENAMETOOLONG);
	ck_assert_int_eq(socket_connect_at(tree.fd, strrchr(path, '/') + 1), -ENAMETOOLONG);
	ck_assert_int_eq(socket_listen_at(tree.fd, strrchr(path, '/') + 1, &err), -ENAMETOOLONG);
	tree_remove(&tree);
}

/* -- listen ------------------------------------------------------------------------------------ */

TEST(listens_in_a_folder_for_its_owner_alone)
{
	struct stat status;
	int listener, fd, other;
	mode_t mask = umask(0);
	char byte = 0;

	tree = tree_make();
	listener = socket_listen_at(tree.fd, "start", &err);
	ck_assert_msg(listener >= 0, "%s", err.text);
	ck_assert_int_eq(fcntl(listener, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fstatat(tree.fd, "start", &status, 0), 0);
	ck_assert_uint_eq(status.st_mode, S_IFSOCK | 0600);
	fd = socket_connect_at(tree.fd, "start");
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	other = accept_one(listener);
	ck_assert_int_eq(send(fd, "x", 1, MSG_NOSIGNAL), 1);
	ck_assert_int_eq(recv(other, &byte, 1, 0), 1);
	ck_assert_int_eq(byte, 'x');
	close(other);
	close(fd);
	close(listener);
	ck_assert_int_eq(socket_connect_at(tree.fd, "start"), -ECONNREFUSED);
	ck_assert_int_eq(unlinkat(tree.fd, "start", 0), 0);
	ck_assert_int_eq(socket_connect_at(tree.fd, "start"), -ENOENT);
	tree_remove(&tree);
	umask(mask);
}

TEST(does_not_take_over_what_is_there)
{
	tree = tree_make();
	tree_file(&tree, "start", 0644, "kept");
	tree_link(&tree, "link", "new");
	ck_assert_int_eq(socket_listen_at(tree.fd, "start", &err), -EADDRINUSE);
	ck_assert_str_eq(err.text, "listen on the socket start: address already in use");
	ck_assert_int_eq(socket_listen_at(tree.fd, "link", &err), -EADDRINUSE);
	ck_assert_int_eq(faccessat(tree.fd, "new", F_OK, 0), -1);
	tree_remove(&tree);
}

/* The two kinds of sockets do not talk to each other. */
TEST(does_not_connect_to_another_kind_of_socket)
{
	int listener;

	tree = tree_make();
	listener = listen_as_engine(tree.path, "s");
	ck_assert_int_eq(socket_connect_at(tree.fd, "s"), -EPROTOTYPE);
	close(listener);
	tree_remove(&tree);
}

/* -- send -------------------------------------------------------------------------------------- */

/* Receives one message of text and file descriptors; returns the one, if it is just one. */
static int receive_fd(int socket, char *text, size_t size)
{
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec part = {.iov_base = text, .iov_len = size - 1};
	struct msghdr header = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t length = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
	const struct cmsghdr *sent = CMSG_FIRSTHDR(&header);
	int fd = -1;

	ck_assert_int_ge(length, 0);
	text[length] = '\0';
	if (sent && sent->cmsg_type == SCM_RIGHTS && sent->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(sent), sizeof(fd));
	return fd;
}

TEST(sends_one_descriptor_with_one_message)
{
	struct stat sent, received;
	char text[32], more;
	int ends[2], fd;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	ck_assert_int_eq(socket_send_fd(ends[0], ends[0], "/dev/ptmx", &err), 0);
	fd = receive_fd(ends[1], text, sizeof(text));
	ck_assert_int_ge(fd, 0);
	ck_assert_str_eq(text, "/dev/ptmx");
	ck_assert_int_eq(fstat(ends[0], &sent), 0);
	ck_assert_int_eq(fstat(fd, &received), 0);
	ck_assert_uint_eq(sent.st_ino, received.st_ino);
	/* What was sent is still the caller's, and nothing else was said. */
	ck_assert_int_eq(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(recv(ends[1], &more, 1, MSG_DONTWAIT), -1);
	close(fd);
	close(ends[0]);
	close(ends[1]);
}

TEST(tells_why_it_can_not_send)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	ck_assert_int_eq(socket_send_fd(ends[0], -1, "x", &err), -EBADF);
	ck_assert_str_eq(err.text, "send a file descriptor: bad file descriptor");
	close(ends[1]);
	/* And is not killed by SIGPIPE. */
	ck_assert_int_eq(socket_send_fd(ends[0], 0, "x", &err), -EPIPE);
	ck_assert_str_eq(err.text, "send a file descriptor: broken pipe");
	close(ends[0]);
}

RUN_TESTS("socket", connects_to_a_path_of_any_length, connects_to_a_path_without_a_folder,
	  takes_datagrams_from_everybody_who_reaches_it, connects_to_an_abstract_name,
	  tells_why_it_can_not_connect, refuses_a_name_too_long_for_any_address,
	  listens_in_a_folder_for_its_owner_alone, does_not_take_over_what_is_there,
	  does_not_connect_to_another_kind_of_socket, sends_one_descriptor_with_one_message,
	  tells_why_it_can_not_send)
