#include "basic/users.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "scratch.h"
#include "unit.h"

static struct error err;
static char passwd[] = "/tmp/proa-test-passwd-XXXXXX";
static char text[20000]; /* what /etc/passwd is to hold */

/* Asks for uid where text stands in /etc/passwd; what is found is told in the error's text. */
static int look_up(void *context, struct error *e)
{
	const uid_t *uid = context;

	enter_namespaces(CLONE_NEWNS | (geteuid() == 0 ? 0 : CLONE_NEWUSER));
	sys_mount_propagation("/", MS_REC | MS_PRIVATE);
	skip_unless(sys_mount(passwd, "/etc/passwd", NULL, MS_BIND, NULL) == 0);
	user_name(*uid, e->text, 16);
	return 0;
}

static void expect_name(uid_t uid, const char *expected)
{
	int r;

	snprintf(passwd, sizeof(passwd), "/tmp/proa-test-passwd-XXXXXX");
	close(mkstemp(passwd));
	put_file(passwd, text);
	r = in_child(look_up, &uid, &err);
	unlink(passwd);
	if (r == CHILD_SKIPPED)
		printf("skipped: no mount namespace for this user here\n");
	else
		ck_assert_str_eq(err.text, expected);
}

#define PASSWD(lines) snprintf(text, sizeof(text), "%s", lines)

TEST(finds_a_name_by_its_uid)
{
	PASSWD("root:x:0:0:root:/root:/bin/sh\n"
	       "alice:x:1000:1000:,,,:/home/alice:/bin/sh\n"
	       "bob::4294967294:1:::\n");
	expect_name(0, "root");
	expect_name(1000, "alice");
	expect_name(4294967294, "bob");
	expect_name(100, "");
	expect_name(10000, "");
}

TEST(takes_the_first_of_several)
{
	PASSWD("one:x:7:7:::\n"
	       "two:x:7:7:::\n");
	expect_name(7, "one");
}

TEST(passes_by_lines_that_are_no_users)
{
	PASSWD("\n"
	       "# alice:x:1000\n"
	       "alice\n"
	       "alice:x\n"
	       "alice:x:\n"
	       "alice:x::1000:\n"
	       "alice:x:1000\n"
	       "alice:x:1000x:1000:\n"
	       "alice:1000:1:1:::\n"
	       "::::::\n"
	       "bob:x:1000:1000:::\n");
	expect_name(1000, "bob");
}

TEST(has_no_half_of_a_name)
{
	PASSWD("fifteen-letters:x:15:1:::\n"
	       "sixteen-letters-:x:16:1:::\n");
	expect_name(15, "fifteen-letters");
	expect_name(16, "");
}

TEST(finds_a_name_at_the_end_of_a_long_file)
{
	size_t used = 0;

	for (int i = 0; i < 400; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "user%d:x:%d:100:A User:/home/user%d:/bin/sh\n", i,
					 2000 + i, i);
	expect_name(2000, "user0");
	expect_name(2085, "user85"); /* these lie across the ends of what is read at once */
	expect_name(2086, "user86");
	expect_name(2087, "user87");
	expect_name(2399, "user399");
	expect_name(2400, "");
}

TEST(passes_by_a_line_of_any_length)
{
	size_t used = (size_t)snprintf(text, sizeof(text), "long:x:1:1:");

	memset(text + used, 'x', 9000);
	used += 9000;
	snprintf(text + used, sizeof(text) - used, "::\nshort:x:2:2:::\n");
	expect_name(2, "short");
}

TEST(agrees_with_the_library_about_this_user)
{
	const struct passwd *entry = getpwuid(getuid());
	char name[64];

	user_name(getuid(), name, sizeof(name));
	if (entry && name[0])
		ck_assert_str_eq(name, entry->pw_name);
}

RUN_TESTS("users", finds_a_name_by_its_uid, takes_the_first_of_several,
	  passes_by_lines_that_are_no_users, has_no_half_of_a_name,
	  finds_a_name_at_the_end_of_a_long_file, passes_by_a_line_of_any_length,
	  agrees_with_the_library_about_this_user)
