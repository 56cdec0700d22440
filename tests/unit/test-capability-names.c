#include "linux/capability-names.h"

#include <strings.h>
#include <sys/capability.h>

#include "unit.h"

TEST(finds_a_capability_by_its_name)
{
	ck_assert_int_eq(capability_number("CAP_CHOWN"), 0);
	ck_assert_int_eq(capability_number("CAP_SYS_ADMIN"), 21);
	ck_assert_int_eq(capability_number("CAP_CHECKPOINT_RESTORE"), 40);
}

TEST(knows_no_other_spelling)
{
	ck_assert_int_eq(capability_number("CHOWN"), -1);
	ck_assert_int_eq(capability_number("cap_chown"), -1);
	ck_assert_int_eq(capability_number("CAP_chown"), -1);
	ck_assert_int_eq(capability_number("0"), -1);
	ck_assert_int_eq(capability_number("CAP_0"), -1);
	ck_assert_int_eq(capability_number("CAP_CHOWNX"), -1);
	ck_assert_int_eq(capability_number("CAP_"), -1);
	ck_assert_int_eq(capability_number(""), -1);
}

TEST(names_a_capability_by_its_number)
{
	char name[32];

	capability_name(21, name, sizeof(name));
	ck_assert_str_eq(name, "CAP_SYS_ADMIN");
	capability_name(63, name, sizeof(name));
	ck_assert_str_eq(name, "CAP_63");
	capability_name(21, name, 8);
	ck_assert_str_eq(name, "CAP_SYS");
}

/* One that this libcap does not know has a number for its name. */
TEST(are_those_of_libcap)
{
	for (int number = 0; number < 64; number++) {
		char *theirs = cap_to_name(number);
		char ours[32];

		ck_assert_ptr_nonnull(theirs);
		capability_name(number, ours, sizeof(ours));
		if (theirs[0] == 'c')
			ck_assert_int_eq(strcasecmp(ours, theirs), 0);
		else
			ck_assert_int_eq(capability_number(ours), -1);
		cap_free(theirs);
	}
}

RUN_TESTS("capability-names", are_those_of_libcap, finds_a_capability_by_its_name,
	  knows_no_other_spelling, names_a_capability_by_its_number)
