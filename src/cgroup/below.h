/* The cgroups below a container's, which it has made itself: for "exec --cgroup". */
#pragma once

#include "basic/text-list.h"
#include "cgroup/cgroup.h"

/*
 * Fills in *below, whose strings lie in the arena: place with the sub-cgroups that were chosen.
 *
 *	PATH		   in every hierarchy
 *	CONTROLLERS:PATH   in the v1 hierarchies of these controllers, "cpu,memory:a/b"; may be given for each
 *
 * They have to be there.  A path that leads out of the container's cgroup is refused.
 */
int cgroup_below(const struct oci_record_cgroup *place, const struct text_list *chosen,
		 struct arena *arena, struct oci_record_cgroup *below, struct error *err);
