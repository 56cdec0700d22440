/* A filter that finds a system call's verdict by halves.  For the runtime alone. */
#pragma once

#include "linux/seccomp-profile.h"
#include "linux/seccomp-program.h"

/*
 * Writes the profile's filter into an empty program.  1: it is there; 0: the profile is one for libseccomp
 * (linux/seccomp-library.h), and what the program holds is of no use.
 *
 * The verdicts are those of libseccomp's filter.  Left to it are rules on one call with different actions of
 * which more than one may apply; more rules on one call, or names, or architectures than are expected here;
 * and what is longer than the kernel takes.
 */
int seccomp_tree(const struct seccomp_profile *profile, struct program *program, struct error *err);
