/* What stands before a filter that libseccomp has compiled. */
#pragma once

#include <linux/filter.h>
#include <stddef.h>

#include "linux/seccomp-profile.h"

enum {
	SECCOMP_STUB_MOST = 1 + 6 * SECCOMP_MOST_ARCHITECTURES, /* instructions */
};

/* An architecture of the filter. */
struct seccomp_limit {
	uint32_t architecture; /* AUDIT_ARCH_* */
	uint32_t newest;       /* the highest number of a system call that the filter names */
};

/*
 * Writes instructions that answer system calls newer than any that the profile knows with ENOSYS, and
 * let the rest fall through to what follows; returns how many.  The reason is told at
 * seccomp_profile_refuses_newer().
 */
size_t seccomp_stub(const struct seccomp_limit *limits, size_t count,
		    struct sock_filter stub[SECCOMP_STUB_MOST]);
