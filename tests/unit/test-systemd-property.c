#include "linux/systemd-property.h"

#include <errno.h>

#include "unit.h"

static struct error err;
static struct arena arena;
static struct systemd_property property;

static int parse(const char *key, const char *value)
{
	const struct oci_pair annotation = {key, value};

	arena_release(&arena);
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	err = (struct error){0};
	ck_assert(systemd_property_is(&annotation));
	return systemd_property_parse(&annotation, &arena, &property, &err);
}

TEST(reads_name_and_value)
{
	ck_assert_int_eq(parse("org.systemd.property.KillSignal", "15"), 0);
	ck_assert_str_eq(property.name, "KillSignal");
	ck_assert_str_eq(property.value->signature, "i");
	ck_assert_int_eq(parse("org.systemd.property.TimeoutStopUSec", "uint64 90"), 0);
	ck_assert_str_eq(property.name, "TimeoutStopUSec");
	ck_assert_uint_eq(property.value->natural, 90);
	ck_assert(!systemd_property_is(&(struct oci_pair){"org.systemd.propertyX", "1"}));
}

TEST(makes_seconds_to_microseconds)
{
	static const char *const values[] = {"90",	  "int64 90", "byte 90",
					     "uint64 90", "90.0",     "double 9e1"};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		ck_assert_int_eq(parse("org.systemd.property.TimeoutStopSec", values[i]), 0);
		ck_assert_str_eq(property.name, "TimeoutStopUSec");
		ck_assert_str_eq(property.value->signature, "t");
		ck_assert_uint_eq(property.value->natural, 90000000);
	}
	ck_assert_int_eq(parse("org.systemd.property.Sec", "'a'"), 0);
}

TEST(refuses_what_are_no_seconds)
{
	static const char *const values[] = {"-1",    "'90'", "uint64 18446744073710",
					     "1e300", "-1.5", "handle 1"};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		ck_assert_int_eq(parse("org.systemd.property.TimeoutStopSec", values[i]), -EINVAL);
		ck_assert_str_eq(err.text, "annotations[\"org.systemd.property.TimeoutStopSec\"]: "
					   "expected a number of seconds from 0 to 18446744073709");
		ck_assert_str_eq(err.hint, "set TimeoutStopUSec, which is in microseconds: "
					   "uint64 5000000");
	}
}

TEST(refuses_names_and_values)
{
	ck_assert_int_eq(parse("org.systemd.property.Ab", "1"), -EINVAL);
	ck_assert_str_eq(err.text, "annotations[\"org.systemd.property.Ab\"]: \"Ab\" is not a "
				   "property's name: expected 3 or more ASCII letters");
	ck_assert_int_eq(parse("org.systemd.property.", "1"), -EINVAL);
	ck_assert_int_eq(parse("org.systemd.property.CPU2", "1"), -EINVAL);
	ck_assert_int_eq(parse("org.systemd.property.After", "['a'"), -EINVAL);
	ck_assert_str_eq(err.text,
			 "annotations[\"org.systemd.property.After\"]: at byte 4: expected "
			 "\",\" or \"]\"");
	ck_assert_str_eq(err.hint, "write the value as GVariant text: true, 'text', uint64 5, "
				   "['a', 'b']");
}

RUN_TESTS("systemd-property", reads_name_and_value, makes_seconds_to_microseconds,
	  refuses_what_are_no_seconds, refuses_names_and_values)
