#include <seccomp.h>
#include <stdbool.h>

#include "linux/seccomp-calls.h"
#include "unit.h"

static const char *name_of(size_t call)
{
	return seccomp_call_list[call].text;
}

TEST(finds_every_name_that_it_has)
{
	ck_assert_uint_gt(seccomp_call_list_len, 400);
	for (size_t i = 0; i < seccomp_call_list_len; i++)
		ck_assert_msg(seccomp_call_find(name_of(i)) == (int)i, "%s", name_of(i));
}

TEST(finds_no_other)
{
	ck_assert_int_eq(seccomp_call_find(""), -1);
	ck_assert_int_eq(seccomp_call_find("rea"), -1);
	ck_assert_int_eq(seccomp_call_find("teleport"), -1);
	ck_assert_ptr_null(seccomp_calls_of(0xdead));
}

static bool is_part(const struct seccomp_architecture_calls *calls, unsigned int name)
{
	for (size_t i = 0; i < calls->parts_len; i++)
		if (seccomp_parts[calls->parts + i].name == name)
			return true;
	return false;
}

/* A shared libseccomp may be another one than that which the tables were made from, but not contradict it. */
TEST(has_the_numbers_of_libseccomp)
{
	for (size_t i = 0; i < seccomp_architecture_calls_len; i++) {
		const struct seccomp_architecture_calls *calls = &seccomp_architecture_calls[i];
		const uint32_t architecture = calls->architecture;
		const struct seccomp_call *call = &seccomp_calls[calls->calls];

		ck_assert_ptr_eq(seccomp_calls_of(architecture), calls);
		for (size_t j = 0; j < calls->calls_len; j++) {
			const char *name = name_of(call[j].name);
			int number = seccomp_syscall_resolve_name_arch(architecture, name);

			if (is_part(calls, call[j].name))
				continue;
			ck_assert_int_eq(number & ~0x40000000, call[j].number);
			ck_assert_uint_ge(call[j].number, call[j ? j - 1 : 0].number);
		}
	}
}

static uint8_t part(const char *whole, const char *name)
{
	const struct seccomp_architecture_calls *calls = seccomp_calls_of(SCMP_ARCH_X86);
	int number = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86, whole);

	for (size_t i = 0; i < calls->parts_len; i++) {
		const struct seccomp_part *row = &seccomp_parts[calls->parts + i];

		if (row->number == number && row->name == seccomp_call_find(name))
			return row->first;
	}
	return 0;
}

/* linux/net.h, linux/ipc.h */
TEST(knows_what_the_parts_of_calls_are)
{
	ck_assert_uint_eq(part("socketcall", "socket"), 1);
	ck_assert_uint_eq(part("socketcall", "accept4"), 18);
	ck_assert_uint_eq(part("ipc", "semop"), 1);
	ck_assert_uint_eq(part("ipc", "shmctl"), 24);
	ck_assert_uint_eq(part("ipc", "socket"), 0);
	ck_assert_uint_eq(seccomp_calls_of(SCMP_ARCH_X86_64)->parts_len, 0);
}

RUN_TESTS("seccomp-calls", finds_every_name_that_it_has, finds_no_other,
	  has_the_numbers_of_libseccomp, knows_what_the_parts_of_calls_are)
