/*
 * Where systemd is reached: see systemd.h.
 *
 *	https://dbus.freedesktop.org/doc/dbus-specification.html#addresses
 *	https://www.freedesktop.org/software/systemd/man/latest/user@.service.html
 *
 * Root of the machine asks the system's systemd, everybody else his own; so does the root of an engine's
 * user namespace, who is no more than the user outside: that is whom systemd knows, and whose runtime
 * directory it is.  Engines call some commands with XDG_RUNTIME_DIR alone, or with it empty.
 *
 * Found when a container is planned, so that a machine without systemd is told of at once.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/procfs.h"
#include "cgroup/systemd.h"

#define USER_RUNTIME_DIRECTORY "/run/user"

enum { UID_MAP_SIZE = 12 * 1024 }; /* the kernel takes 340 lines of 33 bytes */

/* A bus first: systemd's own socket, which is not for everybody's use, only where none runs. */
static const char *const system_sockets[] = {"/run/dbus/system_bus_socket", "/run/systemd/private"};
static const char *const user_sockets[] = {"bus", "systemd/private"};

uid_t systemd_outer_uid(const char *uid_map, uid_t uid)
{
	uint32_t inside, outside, count;
	uid_t outer = uid;
	int length;

	while (sscanf(uid_map, "%" SCNu32 " %" SCNu32 " %" SCNu32 "%n", &inside, &outside, &count,
		      &length) == 3) {
		if (uid >= inside && uid - inside < count)
			outer = outside + (uid - inside);
		uid_map += length;
	}
	return outer;
}

static const char *user_runtime_directory(struct arena *arena)
{
	const char *given = getenv("XDG_RUNTIME_DIR");
	char uid_map[UID_MAP_SIZE];

	if (given && given[0] == '/')
		return arena_copy(arena, given, strlen(given));
	procfs_read(procfs_own(), "self/uid_map", uid_map, sizeof(uid_map));
	return arena_printf(arena, USER_RUNTIME_DIRECTORY "/%u",
			    (unsigned int)systemd_outer_uid(uid_map, geteuid()));
}

const char *systemd_transient_directory(bool user, struct arena *arena)
{
	const char *runtime = user ? user_runtime_directory(arena) : "/run";

	return runtime ? arena_printf(arena, "%s/systemd/transient", runtime) : NULL;
}

/* Other kinds of addresses have the library start programs, or leave the machine. */
static int check_address(const char *variable, const char *address, struct error *err)
{
	for (const char *one = address; one; one = strchr(one, ';')) {
		one += *one == ';';
		if (strncmp(one, "unix:", strlen("unix:")) == 0)
			continue;
		error_config(err, "%s: \"%s\" is not the address of a socket", variable, address);
		return error_hint(err, "it begins with \"unix:\"");
	}
	return 0;
}

/* What D-Bus does not want in a path is written as %XX. */
static char *make_address(struct arena *arena, const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_/.\\*";
	char *address = arena_alloc(arena, strlen("unix:path=") + 3 * strlen(path) + 1);
	char *end = address;

	if (!address)
		return NULL;
	end += sprintf(end, "unix:path=");
	for (; *path; path++)
		end += sprintf(end, strchr(plain, *path) ? "%c" : "%%%02x", (unsigned char)*path);
	return address;
}

static int find_system(struct arena *arena, const char **path, struct error *err)
{
	for (size_t i = 0; i < 2; i++)
		if (access(system_sockets[i], F_OK) == 0) {
			*path = system_sockets[i];
			return 0;
		}
	(void)arena;
	error_config(err, "there is no systemd here: neither %s nor %s exists", system_sockets[0],
		     system_sockets[1]);
	return error_hint(err, "use --cgroup-manager cgroupfs");
}

static int find_user(struct arena *arena, const char **path, struct error *err)
{
	const char *directory = user_runtime_directory(arena);

	for (size_t i = 0; directory && i < 2; i++) {
		*path = arena_printf(arena, "%s/%s", directory, user_sockets[i]);
		if (*path && access(*path, F_OK) == 0)
			return 0;
	}
	if (!directory || !*path)
		return arena_full(arena, err);
	error_config(err, "the user has no systemd: neither %s/%s nor %s/%s exists", directory,
		     user_sockets[0], directory, user_sockets[1]);
	return error_hint(err, "log in by way of systemd, or \"loginctl enable-linger\"; or use "
			       "--cgroup-manager cgroupfs");
}

int systemd_bus_find(bool user, struct arena *arena, const char **address, struct error *err)
{
	const char *variable = user ? "DBUS_SESSION_BUS_ADDRESS" : "DBUS_SYSTEM_BUS_ADDRESS";
	const char *given = getenv(variable), *path = "";

	if (given && given[0]) {
		if (check_address(variable, given, err) < 0)
			return -err->code;
		*address = arena_copy(arena, given, strlen(given));
	} else {
		if ((user ? find_user : find_system)(arena, &path, err) < 0)
			return -err->code;
		*address = make_address(arena, path);
	}
	return *address ? 0 : arena_full(arena, err);
}
