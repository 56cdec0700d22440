/* What stands before a compiled seccomp filter. */
#pragma once

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SECCOMP_STUB_ARCHITECTURES = 8,
	SECCOMP_STUB_MOST = 1 + 6 * SECCOMP_STUB_ARCHITECTURES, /* instructions */
};

/* An architecture of the filter. */
struct seccomp_limit {
	uint32_t architecture; /* AUDIT_ARCH_* */
	uint32_t newest;       /* the highest number of a system call that the filter names */
};

/*
 * Writes instructions that answer system calls newer than any that the profile knows with ENOSYS, and
 * let the rest fall through to what follows; returns how many.
 *
 * A C library tries a new call first, and the old one if the kernel has no new one.  A profile that was
 * written before the new call answers with its default, mostly EPERM, which the library takes for the
 * truth.  For a call that did not exist when the profile was written ENOSYS is what its author meant.
 */
size_t seccomp_stub(const struct seccomp_limit *limits, size_t count,
		    struct sock_filter stub[SECCOMP_STUB_MOST]);
