/*
 * A test's own CRIU: its program, by a link of that name in a scratch folder, which stands in front of PATH.  There it
 * plays the packets of the file "play", and writes what it hears and sees to "heard" and "saw".
 */
#pragma once

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "basic/entries.h"
#include "criu/call.h"
#include "tree.h"
#include "unit.h"

#define FOLDER "PROA_TEST_CRIU"

/* What stands before each packet in "play". */
struct head {
	size_t length;
	int fds;    /* how many go with it */
	bool hears; /* what is said to it */
};

enum { MOST_PACKET = 70 * 1024, MOST_SAW = 4096 };

/* A string's bytes, without its NUL. */
#define BYTES(text) text, sizeof(text) - 1

/* "Restored", as an answer. */
#define SUCCESS "\x08\x02\x10\x01"

/* -- CRIU -------------------------------------------------------------------------------------- */

static inline void must(bool so)
{
	if (!so)
		_exit(1);
}

/* Open files, and what else is given to a program. */
static inline void criu_look(int argc, char **argv)
{
	struct entries entries = {.dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
	FILE *saw = fopen("saw", "we");
	const char *name;
	sigset_t blocked;

	must(saw && sigprocmask(SIG_BLOCK, NULL, &blocked) == 0);
	for (int i = 0; i < argc; i++)
		fprintf(saw, "%s ", argv[i]);
	fprintf(saw, "%s %s\n", sigismember(&blocked, SIGUSR1) ? "blocked" : "free",
		getenv("TOLD") ? getenv("TOLD") : "-");
	while ((name = entries_next(&entries))) {
		char path[256];
		ssize_t length = readlinkat(entries.dir, name, path, sizeof(path) - 1);

		if (atoi(name) == entries.dir || atoi(name) == fileno(saw))
			continue;
		path[length < 0 ? 0 : length] = '\0';
		fprintf(saw, "%s %s\n", name, strncmp(path, "socket:", 7) == 0 ? "socket" : path);
	}
	close(entries.dir);
	fclose(saw);
}

static inline void criu_hear(FILE *heard)
{
	static char bytes[MOST_PACKET];
	ssize_t length = recv(3, bytes, sizeof(bytes), 0);

	must(length >= 0);
	must(fwrite(&length, sizeof(length), 1, heard) == 1);
	must(fwrite(bytes, 1, (size_t)length, heard) == (size_t)length);
	fflush(heard);
}

static inline void criu_say(char *bytes, const struct head *head, int fd)
{
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr head;
	} control = {.bytes = {0}};
	struct iovec part = {bytes, head->length};
	struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
	const int fds[] = {fd, fd};
	size_t size = (size_t)head->fds * sizeof(int);

	if (head->fds) {
		packet.msg_control = control.bytes;
		packet.msg_controllen = CMSG_SPACE(size);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(size);
		memcpy(CMSG_DATA(&control.head), fds, size);
	}
	must(sendmsg(3, &packet, MSG_NOSIGNAL) == (ssize_t)head->length);
}

static inline int be_criu(const char *folder, int argc, char **argv)
{
	static char bytes[MOST_PACKET];
	struct head head;
	FILE *play, *heard;

	must(chdir(folder) == 0);
	criu_look(argc, argv);
	play = fopen("play", "re");
	heard = fopen("heard", "we");
	must(heard != NULL);
	while (play && fread(&head, sizeof(head), 1, play) == 1) {
		must(fread(bytes, 1, head.length, play) == head.length);
		if (head.length)
			criu_say(bytes, &head, fileno(play));
		if (head.hears)
			criu_hear(heard);
	}
	return 0;
}

/* -- the test's side --------------------------------------------------------------------------- */

static struct error err;
static struct arena arena;
static struct tree tree;
static struct criu_call call;
static struct criu_answer answer;
static char *usual_path;
static int usual_files;
static FILE *heard;

static inline int count_files(void)
{
	int count = 0;

	for (int i = 0; i < 1024; i++)
		count += fcntl(i, F_GETFD) >= 0;
	return count;
}

static inline void link_self(void)
{
	char self[PATH_MAX] = "";

	ck_assert_int_gt(readlink("/proc/self/exe", self, sizeof(self) - 1), 0);
	tree_link(&tree, "criu", self);
}

static inline void begin(void)
{
	char *path;

	usual_files = count_files();
	tree = tree_make();
	link_self();
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	usual_path = strdup(getenv("PATH"));
	path = arena_printf(&arena, "%s:%s", tree.path, usual_path);
	ck_assert_int_eq(setenv("PATH", path, 1), 0);
	ck_assert_int_eq(setenv(FOLDER, tree.path, 1), 0);
	call = (struct criu_call){.arena = &arena};
	err = (struct error){0};
}

/* No process and no file is left. */
static inline void finish(void)
{
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	if (heard)
		fclose(heard);
	heard = NULL;
	setenv("PATH", usual_path, 1);
	free(usual_path);
	tree_remove(&tree);
	arena_release(&arena);
	ck_assert_int_eq(count_files(), usual_files);
}

static inline void add_packet(const char *bytes, struct head head)
{
	int fd = openat(tree.fd, "play", O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0644);

	ck_assert_int_eq(write(fd, &head, sizeof(head)), sizeof(head));
	ck_assert_int_eq(write(fd, bytes, head.length), (ssize_t)head.length);
	close(fd);
}

static inline void criu_hears(void)
{
	add_packet("", (struct head){.hears = true});
}

static inline void criu_answers(const char *bytes, size_t length)
{
	add_packet(bytes, (struct head){.length = length});
}

static inline void criu_notifies(const char *bytes, size_t length)
{
	add_packet(bytes, (struct head){.length = length, .hears = true});
}

static inline int ask(enum criu_task task)
{
	return criu_ask(&call, task, NULL, &answer, &err);
}

static inline void expect_error(int result, int code, const char *text)
{
	ck_assert_int_eq(result, -code);
	ck_assert_int_eq(err.code, code);
	ck_assert_str_eq(err.text, text);
}

/* What CRIU heard next. */
static inline void expect_heard(const char *expected, size_t length)
{
	char bytes[256];
	ssize_t size = 0;

	if (!heard) {
		int fd = openat(tree.fd, "heard", O_RDONLY | O_CLOEXEC);

		heard = fdopen(fd, "r");
		ck_assert_ptr_nonnull(heard);
	}
	ck_assert_uint_eq(fread(&size, sizeof(size), 1, heard), 1);
	ck_assert_int_eq(size, (ssize_t)length);
	ck_assert_uint_eq(fread(bytes, 1, length, heard), length);
	ck_assert_mem_eq(bytes, expected, length);
}

static inline void expect_heard_all(void)
{
	ck_assert_int_eq(fgetc(heard), EOF);
}

static inline const char *read_saw(void)
{
	static char text[MOST_SAW];
	int fd = openat(tree.fd, "saw", O_RDONLY | O_CLOEXEC);
	ssize_t length = read(fd, text, sizeof(text) - 1);

	ck_assert_int_ge(length, 0);
	text[length] = '\0';
	close(fd);
	return text;
}

/* As RUN_TESTS(), of a program that is CRIU, too. */
#define RUN_TESTS_WITH_CRIU(subject, ...)                                           \
	int main(int argc, char **argv)                                             \
	{                                                                           \
		const TTest *tests[] = {__VA_ARGS__};                               \
                                                                                    \
		if (strcmp(argv[0], "criu") == 0)                                   \
			return be_criu(getenv(FOLDER), argc, argv);                 \
		return run_tests(subject, tests, sizeof(tests) / sizeof(tests[0])); \
	}
