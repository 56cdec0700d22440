/* SELinux, as far as process.selinuxLabel and linux.mountLabel have it in common. */
#pragma once

#include "basic/error.h"

/* The error of a property that can't be had where SELinux is not enabled; 0 where it is. */
int selinux_needed(const char *property, const char *label, struct error *err);
