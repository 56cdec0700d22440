/*
 * Nearly all calls that a profile names have one rule without arguments.  That one is in the call's chain alone until
 * somebody asks for it, and the memory for it remains untouched.
 */
#include "linux/seccomp-chains.h"

#include "basic/log.h"
#include "linux/seccomp-calls.h"

static size_t count_rules(const struct oci_seccomp *seccomp)
{
	size_t count = 0;

	for (size_t i = 0; i < seccomp->syscalls_len; i++) {
		const struct oci_syscall *rule = &seccomp->syscalls[i];

		count += rule->names_len * (seccomp_rule_is_any(rule) ? rule->args_len : 1);
	}
	return count;
}

static void append_rule(struct call_chains *chains, struct call_chain *chain,
			const struct call_rule *rule)
{
	const uint32_t number = ++chains->rules_len;

	if (chain->first) {
		chains->rules[chain->last - 1].next = number;
	} else {
		chain->first = number;
		chain->is_decided = rule->args_len == 0;
		chain->verdict = rule->action;
	}
	if (chain->first != number || !chain->is_decided)
		chains->rules[number - 1] = *rule;
	chain->last = number;
}

/* default_action: what needs no rule. */
static void add_call(struct call_chains *chains, const struct oci_syscall *rule, const char *name,
		     uint32_t action, uint32_t default_action)
{
	int call = seccomp_call_find(name);
	struct call_chain *chain;

	if (call < 0) {
		log_debug("linux.seccomp: the system call %s is not known to libseccomp", name);
		return;
	}
	chain = &chains->by_call[call];
	chain->named = true;
	if (action == default_action)
		return;
	if (rule->args_len < 2 || !seccomp_rule_is_any(rule)) {
		append_rule(chains, chain,
			    &(struct call_rule){rule->args, (uint32_t)rule->args_len, action, 0});
		return;
	}
	for (size_t i = 0; i < rule->args_len; i++)
		append_rule(chains, chain, &(struct call_rule){&rule->args[i], 1, action, 0});
}

int call_chains_make(struct call_chains *chains, const struct seccomp_profile *profile,
		     struct arena *arena, struct error *err)
{
	const struct oci_seccomp *seccomp = profile->seccomp;
	const size_t most = count_rules(seccomp) + 1;

	*chains = (struct call_chains){
		.rules = arena_alloc_apart(arena, most * sizeof(*chains->rules)),
		.by_call =
			arena_alloc_apart(arena, seccomp_call_list_len * sizeof(*chains->by_call)),
	};
	if (!chains->rules || !chains->by_call)
		return arena_full(arena, err);
	for (size_t i = 0; i < seccomp->syscalls_len; i++) {
		const struct oci_syscall *rule = &seccomp->syscalls[i];
		const uint32_t action = seccomp_rule_action(rule);

		for (size_t j = 0; j < rule->names_len; j++)
			add_call(chains, rule, rule->names[j], action, profile->default_action);
	}
	return 0;
}

uint32_t call_chains_first(struct call_chains *chains, unsigned int call)
{
	const struct call_chain *chain = &chains->by_call[call];

	if (chain->is_decided)
		chains->rules[chain->first - 1].action = chain->verdict;
	return chain->first;
}
