/* The implementations of struct cgroup_manager, listed in cgroup.c. */
#pragma once

#include "cgroup/cgroup.h"

extern const struct cgroup_manager cgroup_manager_cgroupfs;
extern const struct cgroup_manager cgroup_manager_disabled;
extern const struct cgroup_manager cgroup_manager_systemd;
