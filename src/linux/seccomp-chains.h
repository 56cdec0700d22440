/* A profile's rules by the calls that they are about.  For the runtime alone. */
#pragma once

#include <stdint.h>

#include "basic/arena.h"
#include "basic/error.h"
#include "libocispec/types.h"
#include "linux/seccomp-profile.h"

/* A rule about one call. */
struct call_rule {
	const struct oci_syscall_arg *args; /* all must hold */
	uint32_t args_len;
	uint32_t action;
	uint32_t next; /* the next about this call + 1, or 0 */
};

/* What the profile says about a call. */
struct call_chain {
	uint32_t first;		 /* in rules, + 1; 0: none whose action is not the default one */
	uint32_t last : 30;	 /* the same */
	uint32_t named : 1;	 /* also by a rule whose action is */
	uint32_t is_decided : 1; /* the first rule has no arguments: everywhere its action counts */
	uint32_t verdict;	 /* the first rule's */
};

struct call_chains {
	struct call_rule *rules; /* for those that are decided see call_chains_first() */
	uint32_t rules_len;
	struct call_chain *by_call; /* by what seccomp_call_find() returns */
};

/* All lies in the arena. */
int call_chains_make(struct call_chains *chains, const struct seccomp_profile *profile,
		     struct arena *arena, struct error *err);

/* The call's first rule + 1, or 0; the rules may be read from there on. */
uint32_t call_chains_first(struct call_chains *chains, unsigned int call);
