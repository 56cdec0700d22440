#include <errno.h>
#include <sched.h>

#include "linux/uts-name.h"
#include "unit.h"

static struct oci_namespace uts = {.type = "uts"};
static struct oci_linux with_uts = {.namespaces = &uts, .namespaces_len = 1};
static const struct oci_config own = {.linux = &with_uts}, shared;
static struct error err;

static const char sixty_four[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

TEST(accepts_what_is_absent_or_empty)
{
	ck_assert_int_eq(uts_name_validate(&shared, "hostname", NULL, &err), 0);
	ck_assert_int_eq(uts_name_validate(&shared, "hostname", "", &err), 0);
}

TEST(accepts_64_bytes)
{
	ck_assert_int_eq(uts_name_validate(&own, "hostname", sixty_four, &err), 0);
	ck_assert_int_eq(uts_name_validate(&own, "domainname", "a.example", &err), 0);
}

TEST(rejects_more)
{
	char longer[66] = "x";

	strcpy(longer + 1, sixty_four);
	ck_assert_int_eq(uts_name_validate(&own, "hostname", longer, &err), -EINVAL);
	ck_assert_str_eq(err.text, "hostname: 65 bytes are too many, the kernel takes 64");
}

TEST(rejects_control_characters)
{
	ck_assert_int_eq(uts_name_validate(&own, "domainname", "a\nb", &err), -EINVAL);
	ck_assert_str_eq(err.text, "domainname: has a control character in it");
}

TEST(rejects_to_rename_the_host)
{
	ck_assert_int_eq(uts_name_validate(&shared, "hostname", "box", &err), -EINVAL);
	ck_assert_str_eq(err.text, "hostname: the container shares the host's UTS namespace");
	ck_assert_str_eq(err.hint,
			 "add {\"type\": \"uts\"} to linux.namespaces, or remove hostname");
}

TEST(rejects_to_join_the_hosts_namespace_and_rename_it)
{
	struct container container = {.joined_namespaces = CLONE_NEWPID};

	ck_assert_int_eq(uts_name_prepare(&container, "hostname", "box", &err), -EINVAL);
	ck_assert_str_eq(err.text, "hostname: the UTS namespace to join is the runtime's own");
	ck_assert_int_eq(uts_name_prepare(&container, "hostname", NULL, &err), 0);
	container.joined_namespaces |= CLONE_NEWUTS;
	ck_assert_int_eq(uts_name_prepare(&container, "hostname", "box", &err), 0);
	container = (struct container){.new_namespaces = CLONE_NEWUTS};
	ck_assert_int_eq(uts_name_prepare(&container, "hostname", "box", &err), 0);
}

RUN_TESTS("uts-name", accepts_what_is_absent_or_empty, accepts_64_bytes, rejects_more,
	  rejects_control_characters, rejects_to_rename_the_host,
	  rejects_to_join_the_hosts_namespace_and_rename_it)
