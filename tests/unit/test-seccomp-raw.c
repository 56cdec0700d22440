#include "linux/seccomp-raw.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

static struct error err;
static struct arena arena;
static struct container container;

static int take(const char *text)
{
	arena_release(&arena);
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	container = (struct container){.arena = &arena};
	return seccomp_raw(&container, text, &err);
}

static void expect_rejected(const char *text, const char *why)
{
	ck_assert_int_eq(take(text), -EINVAL);
	ck_assert_str_eq(err.text, why);
	ck_assert_ptr_null(container.seccomp.filter);
}

#define WHERE "annotations[\"run.oci.seccomp_bpf_data\"]: "

TEST(takes_the_instructions_as_they_are)
{
	/* BPF_RET | BPF_K, SECCOMP_RET_ALLOW; twice */
	ck_assert_int_eq(take("BgAAAAAA/38GAAAAAAD/fw=="), 0);
	ck_assert_uint_eq(container.seccomp.filter_len, 2);
	for (int i = 0; i < 2; i++) {
		ck_assert_uint_eq(container.seccomp.filter[i].code, BPF_RET | BPF_K);
		ck_assert_uint_eq(container.seccomp.filter[i].k, 0x7fff0000);
	}
}

TEST(rejects_what_is_no_array_of_instructions)
{
	expect_rejected("BgAAAAAA/38=?", WHERE "it is not base64");
	expect_rejected("", WHERE "0 bytes are no whole number of instructions, which have 8 each");
	expect_rejected("BgAAAAAA/w==",
			WHERE "7 bytes are no whole number of instructions, which have 8 each");
}

/* 3 instructions are 32 letters. */
TEST(rejects_more_than_the_kernel_takes)
{
	size_t length = (BPF_MAXINSNS / 3 + 1) * 32;
	char *text = malloc(length + 1);

	ck_assert_ptr_nonnull(text);
	memset(text, 'A', length);
	text[length] = '\0';
	expect_rejected(text, WHERE "it has 4098 instructions, but the kernel takes 4096");
	free(text);
}

RUN_TESTS("seccomp-raw", takes_the_instructions_as_they_are,
	  rejects_what_is_no_array_of_instructions, rejects_more_than_the_kernel_takes)
