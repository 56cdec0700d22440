/* linux.seccomp as those see it who make a filter of it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "basic/error.h"
#include "libocispec/types.h"

enum { SECCOMP_MOST_ARCHITECTURES = 32 }; /* there are 23 names */

/* What the numbers of x32 have, which shares its architecture with x86-64. */
#define SECCOMP_X32_BIT 0x40000000u

struct seccomp_profile {
	const struct oci_seccomp *seccomp;
	uint32_t default_action; /* SECCOMP_RET_*, with its number */
	uint32_t architectures
		[SECCOMP_MOST_ARCHITECTURES]; /* SCMP_ARCH_*; the machine's own is first */
	size_t architectures_len;
};

/* The profile is validated.  Fails if an architecture has the other byte order. */
int seccomp_profile_read(struct seccomp_profile *profile, const struct oci_seccomp *seccomp,
			 struct error *err);

bool seccomp_profile_has(const struct seccomp_profile *profile, uint32_t architecture);

/*
 * Whether calls that are newer than all that the profile names are answered with ENOSYS.
 *
 * A C library tries a new call first, and the old one if the kernel has no new one.  A profile that was
 * written before the new call answers with its default, mostly EPERM, which the library takes for the
 * truth.  For a call that did not exist when the profile was written ENOSYS is what its author meant.
 */
bool seccomp_profile_refuses_newer(const struct seccomp_profile *profile);

/* The rule's action, with its number. */
uint32_t seccomp_rule_action(const struct oci_syscall *rule);

/* Whether two conditions are on the same argument: then any one of all is enough, otherwise all of them must
 * hold. */
bool seccomp_rule_is_any(const struct oci_syscall *rule);
