#include "basic/base64.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

static void expect(const char *text, const char *bytes)
{
	unsigned char decoded[64];
	ssize_t length = (ssize_t)strlen(bytes);

	ck_assert_uint_le(base64_room(text), sizeof(decoded));
	ck_assert_int_eq(base64_decode(text, decoded), length);
	ck_assert_mem_eq(decoded, bytes, (size_t)length);
}

static void reject(const char *text)
{
	unsigned char decoded[64];

	ck_assert_msg(base64_decode(text, decoded) == -EINVAL, "%s", text);
}

/* RFC 4648, section 10 */
TEST(decodes_the_examples_of_its_rfc)
{
	expect("", "");
	expect("Zg==", "f");
	expect("Zm8=", "fo");
	expect("Zm9v", "foo");
	expect("Zm9vYg==", "foob");
	expect("Zm9vYmE=", "fooba");
	expect("Zm9vYmFy", "foobar");
	expect("+/+/", "\xfb\xff\xbf");
}

TEST(rejects_what_is_cut_off_padded_too_soon_or_another_alphabet)
{
	reject("Z");
	reject("Zm9");
	reject("Zm9vY");
	reject("Zg==Zg==");
	reject("Zm8=Zm8=");
	reject("Z===");
	reject("====");
	reject("=m9v");
	reject("Zm9 ");
	reject("Zm9\n");
	reject("-_-_");
	reject("Zm\xff\xff");
}

RUN_TESTS("base64", decodes_the_examples_of_its_rfc,
	  rejects_what_is_cut_off_padded_too_soon_or_another_alphabet)
