#include "systemd/property.h"

#include <errno.h>

#include "systemd/request.h"
#include "unit.h"
#include "words.h"

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

/* -- what a container may set ------------------------------------------------------------------- */

static struct request request;

static int add(const char *name, const char *value)
{
	char key[80];
	const struct oci_pair annotations[] = {{"other", "x"}, {key, value}};

	snprintf(key, sizeof(key), "org.systemd.property.%s", name);
	arena_release(&arena);
	err = (struct error){0};
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	return systemd_properties_add(annotations, 2, &arena, &request, &err);
}

static void expect_words(const char *name, const char *value, const char *words)
{
	if (add(name, value) < 0)
		ck_abort_msg("%s", err.text);
	ck_assert_str_eq(take_words(&request), words);
}

TEST(sends_what_engines_set_in_the_types_that_systemd_has)
{
	expect_words("KillSignal", "15", "must KillSignal i 1 15");
	expect_words("KillSignal", "uint32 9", "must KillSignal i 1 9");
	expect_words("TimeoutStopUSec", "uint64 10000000", "must TimeoutStopUSec t 1 10000000");
	expect_words("TimeoutStopUSec", "10000000", "must TimeoutStopUSec t 1 10000000");
	expect_words("TimeoutStopSec", "1.5", "must TimeoutStopUSec t 1 1500000");
	expect_words("DefaultDependencies", "true", "must DefaultDependencies b 1 1");
	expect_words("CollectMode", "'inactive-or-failed'",
		     "must CollectMode s 1 inactive-or-failed");
	expect_words("After", "['crio.service', 'a.slice']",
		     "must After as 2 crio.service a.slice");
	expect_words("Before", "@as []", "must Before as 0");
	expect_words("TasksMax", "uint64 18446744073709551615",
		     "must TasksMax t 1 18446744073709551615");
}

static void expect_refusal(const char *name, const char *value, const char *why)
{
	char text[256];

	ck_assert_int_eq(add(name, value), -EINVAL);
	snprintf(text, sizeof(text), "annotations[\"org.systemd.property.%s\"]: %s", name, why);
	ck_assert_str_eq(err.text, text);
	ck_assert_str_eq(take_words(&request), "");
}

/* CVE-2024-3154 */
TEST(refuses_what_could_run_start_free_or_move_something)
{
	static const char *const names[] = {
		"ExecStart",
		"ExecStartPre",
		"ExecStopPost",
		"Requires",
		"Wants",
		"BindsTo",
		"Upholds",
		"Conflicts",
		"OnFailure",
		"OnSuccess",
		"PropagatesStopTo",
		"JoinsNamespaceOf",
		"Slice",
		"Delegate",
		"PIDs",
		"PIDFDs",
		"DeviceAllow",
		"DevicePolicy",
		"BPFProgram",
		"IPIngressFilterPath",
		"User",
		"Group",
		"Controller",
		"AllowedCPUs",
		"CPUWeight",
		"IOWeight",
		"MemoryMin",
		"MemoryLow",
		"ManagedOOMPreference",
		"AddRef",
		"killSignal",
		"KillSignals",
		"Environment",
		"DelegateSubgroup",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		expect_refusal(names[i], "'x'", "a container may not set this property");
		ck_assert_str_eq(err.hint, "the manual lists those that it may");
	}
}

TEST(refuses_values_of_other_types)
{
	expect_refusal("KillSignal", "'15'", "expected a number from 0 to 2147483647");
	expect_refusal("KillSignal", "-1", "expected a number from 0 to 2147483647");
	expect_refusal("KillSignal", "uint32 4294967295", "expected a number from 0 to 2147483647");
	expect_refusal("TasksMax", "true", "expected a number from 0 to 18446744073709551615");
	expect_refusal("After", "'a'", "expected a list of texts: ['a', 'b']");
	expect_refusal("After", "[1]", "expected a list of texts: ['a', 'b']");
	expect_refusal("SendSIGHUP", "1", "expected true or false");
	expect_refusal("CollectMode", "true", "expected a text: 'a'");
	expect_refusal("CollectMode", "<'a'>", "expected a text: 'a'");
}

RUN_TESTS("systemd-property", reads_name_and_value, makes_seconds_to_microseconds,
	  refuses_what_are_no_seconds, refuses_names_and_values,
	  sends_what_engines_set_in_the_types_that_systemd_has,
	  refuses_what_could_run_start_free_or_move_something, refuses_values_of_other_types)
