#include <linux/keyctl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "basic/syscalls.h"
#include "child.h"
#include "linux/section.h"
#include "unit.h"

/* 1 if the session keyring is named after the container, 0 if not. */
static int apply(void *context, struct error *err)
{
	char description[256] = "";
	long before = sys_keyctl(KEYCTL_GET_KEYRING_ID, (unsigned long)KEY_SPEC_SESSION_KEYRING, 0);
	long length;

	skip_unless(before >= 0);
	if (step_keyring.apply(context, err) < 0)
		return -err->code;
	length = syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, description,
			 sizeof(description));
	skip_unless(length > 0);
	return strstr(description, ";_ses.box-1") != NULL;
}

TEST(joins_a_keyring_of_the_containers_own)
{
	struct container container = {.id = "box-1"};
	struct error err;
	int r = in_child(apply, &container, &err);

	ck_assert_msg(r == 1 || r == CHILD_SKIPPED, "%d: %s", r, err.text);
}

TEST(keeps_the_callers_when_told_so)
{
	struct container container = {.id = "box-1", .no_new_keyring = true};
	struct error err;
	int r = in_child(apply, &container, &err);

	ck_assert_msg(r == 0 || r == CHILD_SKIPPED, "%d: %s", r, err.text);
}

TEST(takes_an_id_of_any_length)
{
	char id[300];
	struct container container = {.id = id};
	struct error err;
	int r;

	memset(id, 'x', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	r = in_child(apply, &container, &err);
	ck_assert_msg(r == 0 || r == CHILD_SKIPPED, "%d: %s", r, err.text);
}

RUN_TESTS("keyring", joins_a_keyring_of_the_containers_own, keeps_the_callers_when_told_so,
	  takes_an_id_of_any_length)
