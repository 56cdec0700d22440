#include <errno.h>
#include <string.h>

#include "basic/error.h"
#include "unit.h"

TEST(tells_what_why_and_where)
{
	struct error err = {0};

	ck_assert_int_eq(error_errno(&err, EACCES, "mount %s", "/proc"), -EACCES);
	ck_assert_int_eq(error_in(&err, "mounts[%d]", 0), -EACCES);
	ck_assert_str_eq(err.text, "mounts[0]: mount /proc: permission denied");
}

TEST(keeps_the_reason_behind_a_very_long_path)
{
	struct error err = {0};
	char path[2 * ERROR_TEXT_SIZE];

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	error_errno(&err, ENOENT, "open %s", path);
	ck_assert_ptr_nonnull(strstr(err.text, "x: no such file or directory"));
}

TEST(keeps_the_hint_nearest_the_failure)
{
	struct error err = {0};

	error_config(&err, "no root");
	error_hint(&err, "the first");
	ck_assert_int_eq(error_hint(&err, "the second"), -EINVAL);
	ck_assert_str_eq(err.hint, "the first");
}

TEST(forgets_the_hint_of_an_earlier_failure)
{
	struct error err = {0};

	error_config(&err, "no root");
	error_hint(&err, "add one");
	error_errno(&err, ENOENT, "open /x");
	ck_assert_str_eq(err.hint, "");
}

RUN_TESTS("error", tells_what_why_and_where, keeps_the_reason_behind_a_very_long_path,
	  keeps_the_hint_nearest_the_failure, forgets_the_hint_of_an_earlier_failure)
