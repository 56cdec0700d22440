#include <errno.h>
#include <stdio.h>
#include <sys/personality.h>

#include "basic/log.h"
#include "child.h"
#include "linux/section.h"
#include "unit.h"

enum { ASK = 0xffffffff };

static struct error err;
static struct oci_personality wanted;
static struct oci_linux properties = {.personality = &wanted};
static const struct oci_config config = {.linux = &properties};
static char warned[256];

static void note(enum log_level level, const char *message, void *context)
{
	(void)level, (void)context;
	snprintf(warned, sizeof(warned), "%s", message);
}

static int validate(const char *domain)
{
	wanted = (struct oci_personality){.domain = domain};
	return section_personality.validate(&config, &err);
}

TEST(accepts_both_domains_and_none)
{
	ck_assert_int_eq(section_personality.validate(&(struct oci_config){0}, &err), 0);
	ck_assert_int_eq(validate("LINUX"), 0);
	ck_assert_int_eq(validate("LINUX32"), 0);
}

TEST(rejects_an_unknown_domain)
{
	ck_assert_int_eq(validate("BSD"), -EINVAL);
	ck_assert_str_eq(err.text, "linux.personality: unknown domain \"BSD\"");
	ck_assert_str_eq(err.hint, "the domains are LINUX and LINUX32");
}

TEST(warns_of_flags)
{
	const char *flags[] = {"ADDR_NO_RANDOMIZE", NULL};
	struct container container = {.config = &config};

	ck_assert_int_eq(validate("LINUX"), 0);
	wanted.flags = flags;
	wanted.flags_len = 1;
	log_set_level(LOG_LEVEL_WARNING);
	log_set_sink(note, NULL);
	ck_assert_int_eq(section_personality.validate(&config, &err), 0);
	ck_assert_int_eq(section_personality.prepare(&container, &err), 0);
	ck_assert_str_eq(warned, "linux.personality.flags[0]: ADDR_NO_RANDOMIZE is ignored: the "
				 "specification has no flags yet");
}

static int apply(void *context, struct error *e)
{
	personality(ADDR_NO_RANDOMIZE);
	if (step_personality.apply(context, e) < 0)
		return -e->code;
	return personality(ASK);
}

TEST(sets_the_domain_and_nothing_of_the_callers)
{
	struct container container = {.config = &config};

	ck_assert_int_eq(validate("LINUX"), 0);
	ck_assert_int_eq(in_child(apply, &container, &err), PER_LINUX);
	ck_assert_int_eq(validate("LINUX32"), 0);
	ck_assert_int_eq(in_child(apply, &container, &err), PER_LINUX32);
}

TEST(leaves_it_alone_when_it_is_absent)
{
	struct container container = {.config = &(struct oci_config){0}};

	ck_assert_int_eq(in_child(apply, &container, &err), ADDR_NO_RANDOMIZE);
}

RUN_TESTS("personality", accepts_both_domains_and_none, rejects_an_unknown_domain, warns_of_flags,
	  sets_the_domain_and_nothing_of_the_callers, leaves_it_alone_when_it_is_absent)
