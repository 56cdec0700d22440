/*
 * The container's session keyring: not a property of config.json, but left out with --no-new-keyring.
 *
 *	keyrings(7), session-keyring(7), keyctl(2)
 *
 * A process inherits its session keyring, and with it whatever keys the caller has.  The container gets
 * one of its own, named after it, so that what is executed in it later can join the same one.  It comes
 * first of all: before anything runs that could look.
 */
#include <errno.h>
#include <limits.h>
#include <linux/keyctl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "basic/syscalls.h"
#include "linux/section.h"

/* What the kernel gives to a new keyring: everything to who holds it, to its user view, read and link;
 * and to its user also search, without which another process of his cannot join it by its name. */
#define PERMISSIONS 0x3f1b0000UL

/* A kernel without keyrings, a quota that is used up, and a seccomp filter around us that forbids them,
 * and to the container as well: engines run in all three, and expect containers to. */
static bool can_do_without(int code)
{
	return code == ENOSYS || code == EDQUOT || code == EPERM;
}

static int keyring_apply(struct container *container, struct error *err)
{
	char name[sizeof("_ses.") + NAME_MAX];
	long keyring;

	if (container->no_new_keyring)
		return 0;
	snprintf(name, sizeof(name), "_ses.%s", container->id);
	keyring = sys_keyctl(KEYCTL_JOIN_SESSION_KEYRING, (uintptr_t)name, 0);
	if (keyring < 0 && can_do_without(errno))
		return 0;
	if (keyring < 0) {
		error_errno(err, errno, "make the session keyring %s", name);
		return error_hint(err, "--no-new-keyring does without");
	}
	/* If it was there already it may be another user's, who decides. */
	(void)sys_keyctl(KEYCTL_SETPERM, (unsigned long)keyring, PERMISSIONS);
	return 0;
}

const struct section section_keyring = {
	.path = "keyring",
};

const struct step step_keyring = {
	.name = "keyring",
	.apply = keyring_apply,
};
