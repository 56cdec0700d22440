#include "runtime/notify-socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/socket.h"
#include "basic/syscalls.h"
#include "tree.h"
#include "unit.h"

static struct tree tree;
static struct error err;
static struct notify_proxy proxy;
static int directory, manager;
static char address[128];

/* The container's directory, and a service manager. */
static void begin(void)
{
	tree = tree_make();
	directory = open(tree.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	manager = socket_receive_at(directory, "manager", &err);
	ck_assert_msg(manager >= 0, "%s", err.text);
	snprintf(address, sizeof(address), "%s/manager", tree.path);
	ck_assert_int_eq(notify_folder_make(directory, &err), 0);
}

static void end(void)
{
	struct stat status;

	notify_proxy_end(&proxy);
	ck_assert_int_eq(fstatat(directory, "notify/notify.sock", &status, 0), -1);
	close(directory);
	close(manager);
	tree_remove(&tree);
}

static void begin_proxy(void)
{
	begin();
	ck_assert_msg(notify_proxy_begin(&proxy, directory, true, address, &err) == 0, "%s",
		      err.text);
}

/* What the container's program says. */
static void say(const char *message)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/notify/notify.sock", tree.path);
	fd = socket_connect_datagram(path, &err);
	ck_assert_msg(fd >= 0, "%s", err.text);
	ck_assert_int_eq(send(fd, message, strlen(message), 0), (ssize_t)strlen(message));
	close(fd);
}

static void expect(const char *message)
{
	char bytes[256] = "";

	ck_assert_int_ge(recv(manager, bytes, sizeof(bytes) - 1, MSG_DONTWAIT), 0);
	ck_assert_str_eq(bytes, message);
}

static void expect_nothing(void)
{
	char byte;

	ck_assert_int_eq(recv(manager, &byte, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, EAGAIN);
}

TEST(passes_nothing_on_but_readiness)
{
	begin_proxy();
	say("STATUS=READY=1\nMAINPID=1\nREADY=11\n READY=1");
	notify_proxy_take(&proxy, 42);
	expect_nothing();
	say("FDSTORE=1\nREADY=1\n");
	say("STOPPING=1");
	notify_proxy_take(&proxy, 42);
	expect("MAINPID=42\nREADY=1");
	expect_nothing();
	/* Once is enough. */
	ck_assert_int_eq(proxy.inside, -1);
	notify_proxy_take(&proxy, 42);
	expect_nothing();
	end();
}

TEST(waits_for_readiness_or_the_end)
{
	pid_t child;
	int pidfd;

	begin_proxy();
	child = fork();
	if (child == 0)
		_exit(0);
	pidfd = sys_pidfd_open(child);
	notify_proxy_wait(&proxy, child, pidfd);
	expect_nothing();
	ck_assert_int_eq(proxy.inside, -1);
	close(pidfd);
	waitpid(child, NULL, 0);
	end();
}

/* Takes what comes, by which the barrier is closed. */
static void be_manager(void)
{
	char bytes[256];

	for (int i = 0; i < 2; i++)
		recv(manager, bytes, sizeof(bytes), 0);
	_exit(strncmp(bytes, "BARRIER=1", 9) == 0 ? 0 : 1);
}

TEST(tells_of_a_program_that_was_ready_and_has_ended)
{
	pid_t child;
	int pidfd, status;

	begin_proxy();
	say("READY=1");
	child = fork();
	if (child == 0)
		be_manager();
	pidfd = sys_pidfd_open(child);
	notify_proxy_wait(&proxy, child, pidfd);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	close(pidfd);
	end();
}

TEST(does_nothing_where_nobody_is_told)
{
	begin();
	ck_assert_int_eq(notify_proxy_begin(&proxy, directory, true, NULL, &err), 0);
	ck_assert_int_eq(proxy.inside, -1);
	ck_assert_int_eq(notify_proxy_begin(&proxy, directory, false, address, &err), 0);
	ck_assert_int_eq(proxy.inside, -1);
	notify_proxy_wait(&proxy, 1, -1);
	notify_proxy_take(&proxy, 1);
	end();
}

TEST(takes_the_place_of_one_that_was_killed)
{
	begin_proxy();
	close(proxy.inside);
	close(proxy.outside);
	close(proxy.folder);
	ck_assert_int_eq(notify_proxy_begin(&proxy, directory, true, address, &err), 0);
	say("READY=1");
	notify_proxy_take(&proxy, 7);
	expect("MAINPID=7\nREADY=1");
	end();
}

TEST(tells_what_is_in_the_way)
{
	char text[256];

	begin();
	close(manager);
	manager = -1;
	ck_assert_int_eq(notify_proxy_begin(&proxy, directory, true, address, &err), -ECONNREFUSED);
	snprintf(text, sizeof(text), "NOTIFY_SOCKET: nobody listens on %s", address);
	ck_assert_str_eq(err.text, text);
	ck_assert_str_eq(err.hint,
			 "it is the caller's; unset it where nobody is to be told that the "
			 "container is ready");
	ck_assert_int_eq(notify_folder_make(directory, &err), -EEXIST);
	ck_assert_str_eq(err.text, "make the directory of NOTIFY_SOCKET: file exists");
	end();
}

RUN_TESTS("notify-socket", passes_nothing_on_but_readiness, waits_for_readiness_or_the_end,
	  tells_of_a_program_that_was_ready_and_has_ended, does_nothing_where_nobody_is_told,
	  takes_the_place_of_one_that_was_killed, tells_what_is_in_the_way)
