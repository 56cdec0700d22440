#include <errno.h>

#include "linux/section.h"
#include "unit.h"

static struct error err;

static int validate(const char *version)
{
	const struct oci_config config = {.oci_version = version};

	return section_oci_version.validate(&config, &err);
}

TEST(accepts_every_version_1)
{
	static const char *const versions[] = {
		"1.0.0", "1.0.2", "1.3.0", "1.99.100", "1.0.0-rc5-dev", "1.2.0+dev", "1.0.2-dev",
	};

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		ck_assert_msg(validate(versions[i]) == 0, "%s: %s", versions[i], err.text);
}

TEST(rejects_another_major_version)
{
	ck_assert_int_eq(validate("2.0.0"), -EINVAL);
	ck_assert_str_eq(err.text,
			 "ociVersion: version 2.0.0 of the specification is not supported");
	ck_assert_str_eq(err.hint, "the versions 1.x.y are");
	ck_assert_int_eq(validate("0.9.0"), -EINVAL);
	ck_assert_int_eq(validate("10.0.0"), -EINVAL);
}

TEST(rejects_what_is_no_version)
{
	static const char *const texts[] = {
		"",	  "1",	    "1.0",	"1.0.",	     "1.0.0.0", "01.0.0", "1.00.0",
		"v1.0.0", "1.0.0-", "1.0.0 rc", "1.0.0-a/b", " 1.0.0",	"1..0",	  "1.x.0",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ck_assert_msg(validate(texts[i]) == -EINVAL, "\"%s\" was accepted", texts[i]);
	ck_assert_int_eq(validate("1.0"), -EINVAL);
	ck_assert_str_eq(err.text, "ociVersion: \"1.0\" is not a version");
	ck_assert_str_eq(err.hint, "it has the form 1.2.0");
}

RUN_TESTS("oci-version", accepts_every_version_1, rejects_another_major_version,
	  rejects_what_is_no_version)
