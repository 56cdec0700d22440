#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/utsname.h>

#include "child.h"
#include "linux/section.h"
#include "unit.h"

static struct error err;

static int apply_in_new_namespace(void *context, struct error *e)
{
	struct utsname names;

	skip_unless(unshare(CLONE_NEWUTS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWUTS) == 0);
	if (step_domainname.apply(context, e) < 0)
		return -e->code;
	uname(&names);
	return strcmp(names.domainname, "box.example");
}

TEST(refuses_to_rename_the_host)
{
	const struct oci_config config = {.domainname = "box"};

	ck_assert_int_eq(section_domainname.validate(&config, &err), -EINVAL);
	ck_assert_str_eq(err.text, "domainname: the container shares the host's UTS namespace");
}

TEST(sets_it_in_the_containers_namespace)
{
	const struct oci_config config = {.domainname = "box.example"};
	struct container container = {.config = &config, .new_namespaces = CLONE_NEWUTS};
	int r;

	ck_assert_int_eq(section_domainname.prepare(&container, &err), 0);
	r = in_child(apply_in_new_namespace, &container, &err);
	ck_assert_msg(r == 0 || r == CHILD_SKIPPED, "%s", err.text);
}

TEST(leaves_it_alone_when_it_is_not_given)
{
	const struct oci_config config = {.domainname = NULL};
	struct container container = {.config = &config};

	ck_assert_int_eq(section_domainname.validate(&config, &err), 0);
	ck_assert_int_eq(section_domainname.prepare(&container, &err), 0);
	ck_assert_int_eq(step_domainname.apply(&container, &err), 0);
}

RUN_TESTS("domainname", refuses_to_rename_the_host, sets_it_in_the_containers_namespace,
	  leaves_it_alone_when_it_is_not_given)
