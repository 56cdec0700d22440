/*
 * process.env: the environment of the container's process.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#process
 *	environ(7), passwd(5)
 *
 * Of a name given twice the last one counts.  A name without a value is refused: some would take the
 * value from the caller's environment, which is nobody's business in the container.
 *
 * Without a HOME, or with an empty one, it is looked up in the container's own /etc/passwd.  That file
 * may be anything: a FIFO, a device, without end.  So it is opened without waiting, used only if it is
 * a regular file, and read in small pieces up to a limit; nothing that it holds can be an error, only
 * a home of "/".
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/inside.h"
#include "linux/notify-mount.h"
#include "linux/section.h"

enum {
	MOST_PASSWD = 1024 * 1024,
	MOST_HOME = 1024,
};

/* -- the runtime ------------------------------------------------------------------------------- */

static int env_validate(const struct oci_config *config, struct error *err)
{
	const struct oci_process *process = config->process;

	for (size_t i = 0; process && i < process->env_len; i++) {
		const char *equals = strchr(process->env[i], '=');

		if (equals && equals > process->env[i])
			continue;
		/* Only a value can be a secret, and this has none. */
		error_config(err, "process.env[%zu]: \"%.64s\" is not of the form NAME=VALUE", i,
			     process->env[i]);
		return error_hint(err, "for an empty value end the name with =");
	}
	return 0;
}

/* A table of names, each with the place of its variable in the environment, plus 1: with thousands of
 * variables (Kubernetes' services) looking through all of them for each would take seconds. */
struct places {
	uint32_t *slots;
	size_t count; /* a power of two, at least twice the names */
};

enum {
	MORE_VARIABLES = 3, /* those of listen_fds and NOTIFY_SOCKET */
	LISTEN_PID_SIZE = sizeof("LISTEN_PID=2147483647"),
};

static size_t hash_of(const char *variable, size_t length)
{
	uint32_t hash = 2166136261; /* FNV-1a */

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)variable[i]) * 16777619;
	return hash;
}

/* The slot of the variable's name, or the free one where it belongs. */
static uint32_t *find_slot(const struct places *places, const char *const *env,
			   const char *variable)
{
	size_t length = (size_t)(strchr(variable, '=') - variable) + 1;

	for (size_t i = hash_of(variable, length);; i++) {
		uint32_t *slot = &places->slots[i & (places->count - 1)];

		if (*slot == 0 || strncmp(env[*slot - 1], variable, length) == 0)
			return slot;
	}
}

static void put(struct container *container, const struct places *places, const char *variable)
{
	uint32_t *slot = find_slot(places, container->env, variable);

	if (*slot == 0)
		*slot = (uint32_t)++container->env_len;
	container->env[*slot - 1] = variable;
}

/* The protocol of sd_listen_fds(3): how many sockets there are from 3 on, and for whom. */
static int put_listen_fds(struct container *container, const struct places *places,
			  struct error *err)
{
	const char *count = arena_printf(container->arena, "LISTEN_FDS=%u", container->listen_fds);

	container->listen_pid = arena_alloc(container->arena, LISTEN_PID_SIZE);
	if (!count || !container->listen_pid)
		return arena_full(container->arena, err);
	strcpy(container->listen_pid, "LISTEN_PID=1");
	put(container, places, count);
	put(container, places, container->listen_pid);
	return 0;
}

static int put_notify_socket(struct container *container, const struct places *places,
			     struct error *err)
{
	const char *variable =
		arena_printf(container->arena, "NOTIFY_SOCKET=%s", NOTIFY_SOCKET_INSIDE);

	if (!variable)
		return arena_full(container->arena, err);
	put(container, places, variable);
	return 0;
}

static int env_prepare(struct container *container, struct error *err)
{
	const struct oci_process *process = container->config->process;
	struct places places = {.count = 16};

	if (!process)
		return 0;
	while (places.count < 2 * (process->env_len + MORE_VARIABLES))
		places.count *= 2;
	places.slots = arena_array(container->arena, uint32_t, places.count);
	/* One for HOME, one for the end. */
	container->env =
		arena_array(container->arena, const char *, process->env_len + MORE_VARIABLES + 2);
	if (!places.slots || !container->env)
		return arena_full(container->arena, err);
	for (size_t i = 0; i < process->env_len; i++)
		put(container, &places, process->env[i]);
	if (container->listen_fds && put_listen_fds(container, &places, err) < 0)
		return -err->code;
	return container->notify_folder ? put_notify_socket(container, &places, err) : 0;
}

/* -- init -------------------------------------------------------------------------------------- */

/* A line of passwd(5) being read: name:password:uid:gid:comment:home:shell. */
struct entry {
	int field;
	bool numeric; /* the uid has been digits alone so far, and at least one */
	uint64_t uid;
	char home[MOST_HOME];
	size_t home_length; /* MOST_HOME: too long */
};

static void read_uid(struct entry *entry, char c)
{
	bool first = entry->uid == UINT64_MAX;

	entry->numeric = c >= '0' && c <= '9' && (first || entry->numeric);
	entry->uid = (first ? 0 : entry->uid * 10) + (uint64_t)(c - '0');
	if (entry->uid >= UINT32_MAX)
		entry->numeric = false;
	if (!entry->numeric)
		entry->uid = 0;
}

static void read_character(struct entry *entry, char c)
{
	if (c == ':')
		entry->field++;
	else if (entry->field == 2)
		read_uid(entry, c);
	else if (entry->field == 5 && entry->home_length < MOST_HOME)
		entry->home[entry->home_length++] = c;
}

static void begin_line(struct entry *entry)
{
	entry->field = 0;
	entry->numeric = false;
	entry->uid = UINT64_MAX;
	entry->home_length = 0;
}

/* Whether the line, which is at its end, tells the user's home. */
static bool is_home_of(struct entry *entry, uint32_t uid)
{
	if (entry->field < 5 || !entry->numeric || entry->uid != uid ||
	    entry->home_length == MOST_HOME)
		return false;
	entry->home[entry->home_length] = '\0';
	return entry->home[0] == '/';
}

static bool search_passwd(int fd, uint32_t uid, struct entry *entry)
{
	char piece[4096];
	size_t total = 0;
	ssize_t length;

	begin_line(entry);
	while (total < MOST_PASSWD && (length = read(fd, piece, sizeof(piece))) > 0) {
		total += (size_t)length;
		for (ssize_t i = 0; i < length; i++) {
			if (piece[i] != '\n') {
				read_character(entry, piece[i]);
				continue;
			}
			if (is_home_of(entry, uid))
				return true;
			begin_line(entry);
		}
	}
	return total < MOST_PASSWD && is_home_of(entry, uid);
}

static int open_passwd(int root)
{
	int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd = inside_try(root, "/etc/passwd", flags);
	struct stat status;

	/* A seccomp filter that is loaded already may not know openat2(2).  The root is the container's
	 * by now, so that the plain call does not lead out of it either. */
	if (fd == -EPERM || fd == -ENOSYS)
		fd = openat(root, "etc/passwd", flags | O_NOFOLLOW);
	if (fd >= 0 && (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)))
		close_fd(&fd);
	return fd;
}

/* The place of HOME: where an empty one is, or at the end; NULL if there is one with a value. */
static const char **home_slot(struct container *container)
{
	for (size_t i = 0; i < container->env_len; i++) {
		if (strncmp(container->env[i], "HOME=", 5) == 0)
			return container->env[i][5] ? NULL : &container->env[i];
	}
	return &container->env[container->env_len++];
}

static int env_apply(struct container *container, struct error *err)
{
	/* It becomes part of the environment, so it has to stay. */
	static char home[sizeof("HOME=") + MOST_HOME];
	const char **slot = container->env ? home_slot(container) : NULL;
	autoclose int passwd = -1;
	struct entry entry;

	(void)err;
	if (!slot)
		return 0;
	passwd = open_passwd(container->root_fd);
	snprintf(home, sizeof(home), "HOME=%s",
		 passwd >= 0 && search_passwd(passwd, container->config->process->user->uid, &entry)
			 ? entry.home
			 : "/");
	*slot = home;
	return 0;
}

/* The first process of a container knows before who it is; but its pid namespace may be another's. */
static int env_listen_pid(struct container *container, struct error *err)
{
	(void)err;
	if (container->listen_pid)
		snprintf(container->listen_pid, LISTEN_PID_SIZE, "LISTEN_PID=%d", getpid());
	return 0;
}

const struct section section_env = {
	.path = "process.env",
	.validate = env_validate,
	.prepare = env_prepare,
};

const struct step step_listen_pid = {
	.name = "process.env: LISTEN_PID",
	.apply = env_listen_pid,
};

const struct step step_env = {
	.name = "process.env: HOME",
	.apply = env_apply,
};
