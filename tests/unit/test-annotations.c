#include <errno.h>

#include "linux/section.h"
#include "unit.h"

static struct error err;

TEST(accepts_none_and_empty_values)
{
	struct oci_pair annotations[] = {{"org.example.a", ""}, {"b", "c"}};
	const struct oci_config none = {.annotations = NULL};
	const struct oci_config some = {.annotations = annotations, .annotations_len = 2};

	ck_assert_int_eq(section_annotations.validate(&none, &err), 0);
	ck_assert_int_eq(section_annotations.validate(&some, &err), 0);
}

/* The specification: "Keys MUST NOT be an empty string." */
TEST(rejects_an_empty_key)
{
	struct oci_pair annotations[] = {{"a", "b"}, {"", "c"}};
	const struct oci_config config = {.annotations = annotations, .annotations_len = 2};

	ck_assert_int_eq(section_annotations.validate(&config, &err), -EINVAL);
	ck_assert_str_eq(err.text, "annotations: a key is empty");
}

RUN_TESTS("annotations", accepts_none_and_empty_values, rejects_an_empty_key)
