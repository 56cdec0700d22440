#include <errno.h>
#include <linux/audit.h>

#include "bpf.h"
#include "linux/seccomp-stub.h"
#include "unit.h"

enum { THROUGH = SECCOMP_RET_ALLOW, REFUSED = SECCOMP_RET_ERRNO | ENOSYS };

static const struct seccomp_limit limits[] = {
	{AUDIT_ARCH_X86_64, 334},
	{AUDIT_ARCH_I386, 386},
	{AUDIT_ARCH_AARCH64, UINT32_MAX},
};

/* The verdict on a call with the first count of the limits, followed by a filter that allows all. */
static uint32_t verdict(size_t count, uint32_t architecture, uint32_t number)
{
	struct sock_filter filter[SECCOMP_STUB_MOST + 1];
	size_t length = seccomp_stub(limits, count, filter);
	const struct seccomp_data data = {.arch = architecture, .nr = (int)number};

	filter[length] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return bpf_run(filter, length + 1, &data);
}

TEST(lets_through_what_the_profile_can_know)
{
	ck_assert_uint_eq(verdict(3, AUDIT_ARCH_X86_64, 0), THROUGH);
	ck_assert_uint_eq(verdict(3, AUDIT_ARCH_X86_64, 334), THROUGH);
	ck_assert_uint_eq(verdict(3, AUDIT_ARCH_I386, 386), THROUGH);
	ck_assert_uint_eq(verdict(3, AUDIT_ARCH_AARCH64, 1000000), THROUGH);
}

TEST(answers_newer_calls_with_enosys)
{
	ck_assert_uint_eq(verdict(3, AUDIT_ARCH_X86_64, 335), REFUSED);
	ck_assert_uint_eq(verdict(3, AUDIT_ARCH_X86_64, 0x3fffffff), REFUSED);
	ck_assert_uint_eq(verdict(3, AUDIT_ARCH_I386, 387), REFUSED);
	ck_assert_uint_eq(verdict(1, AUDIT_ARCH_X86_64, 335), REFUSED);
}

TEST(leaves_other_architectures_to_the_filter)
{
	ck_assert_uint_eq(verdict(2, AUDIT_ARCH_AARCH64, 100000), THROUGH);
	ck_assert_uint_eq(verdict(2, AUDIT_ARCH_X86_64, 0x40000000 + 500), THROUGH); /* x32 */
	ck_assert_uint_eq(verdict(0, AUDIT_ARCH_X86_64, 100000), THROUGH);
}

RUN_TESTS("seccomp-stub", lets_through_what_the_profile_can_know, answers_newer_calls_with_enosys,
	  leaves_other_architectures_to_the_filter)
