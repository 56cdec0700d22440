/*
 * The filter as it mostly is: for each architecture a binary search among ranges of numbers with the same
 * verdict.  libseccomp makes one of some 1100 instructions in 20 ms of Docker's and Podman's profiles, and
 * loading it takes a millisecond, because the kernel runs it for each number there is and translates it.
 * This has a third of the instructions, in less than 100 us.
 *
 * What a profile means is libseccomp's:
 *
 *	rules whose action is the default one are passed by;
 *	the first rule without a condition decides, wherever it stands;
 *	otherwise any rule whose conditions hold, and the default action where there is none;
 *	arguments have 32 bits on architectures of 32 bits and x32;
 *	a call that can be a part of socketcall(2) or ipc(2) is meant in both forms;
 *	calls of other architectures end the thread.
 *
 *	https://github.com/seccomp/libseccomp, seccomp_rule_add(3)
 */
#include "linux/seccomp-tree.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdlib.h>

#include "basic/cleanup.h"
#include "basic/log.h"
#include "linux/seccomp-calls.h"
#include "linux/seccomp-names.h"

enum { MOST_ARGUMENTS = 6, MOST_CANDIDATES = 256 };

/* A rule about one call. */
struct rule {
	const struct oci_syscall_arg *args; /* all must hold */
	uint32_t args_len;
	uint32_t action;
	uint32_t next; /* the next about this call + 1, or 0 */
};

/* What the profile says about a call. */
struct chain {
	uint32_t first, last; /* in rules, + 1; 0: none that is not the default */
	bool named;
};

/* A rule that may apply to a number, in the terms of the architecture. */
struct candidate {
	uint32_t rule;
	uint32_t action;
	size_t conditions_len;
	struct program_condition conditions[MOST_ARGUMENTS];
};

/* Numbers from first up to the next range. */
struct range {
	uint32_t first;
	uint32_t verdict;
	unsigned int label; /* of what finds out the verdict; 0: it is known */
};

struct compiler {
	const struct seccomp_profile *profile;
	struct program *program;
	bool beyond; /* there is something that only libseccomp knows */
	struct rule *rules;
	uint32_t rules_len;
	struct chain *chains; /* by name */
	struct candidate *candidates;
	size_t candidates_len;
	struct range *ranges;
	size_t ranges_len;
	uint64_t width; /* the bits that an argument has */
};

/* -- the profile's rules, by call -------------------------------------------------------------- */

static size_t count_rules(const struct oci_seccomp *seccomp)
{
	size_t count = 0;

	for (size_t i = 0; i < seccomp->syscalls_len; i++) {
		const struct oci_syscall *rule = &seccomp->syscalls[i];

		count += rule->names_len * (seccomp_rule_is_any(rule) ? rule->args_len : 1);
	}
	return count;
}

static void append_rule(struct compiler *compiler, struct chain *chain, const struct rule *rule)
{
	compiler->rules[compiler->rules_len++] = *rule;
	if (chain->last)
		compiler->rules[chain->last - 1].next = compiler->rules_len;
	else
		chain->first = compiler->rules_len;
	chain->last = compiler->rules_len;
}

static void add_call(struct compiler *compiler, const struct oci_syscall *rule, const char *name)
{
	const uint32_t action = seccomp_rule_action(rule);
	int call = seccomp_call_find(name);
	struct chain *chain;

	if (call < 0) {
		/* A shared libseccomp may be newer than the tables. */
		if (seccomp_syscall_resolve_name(name) != __NR_SCMP_ERROR)
			compiler->beyond = true;
		else
			log_debug("linux.seccomp: the system call %s is not known to libseccomp",
				  name);
		return;
	}
	chain = &compiler->chains[call];
	chain->named = true;
	if (action == compiler->profile->default_action)
		return;
	if (!seccomp_rule_is_any(rule)) {
		append_rule(compiler, chain,
			    &(struct rule){rule->args, (uint32_t)rule->args_len, action, 0});
		return;
	}
	for (size_t i = 0; i < rule->args_len; i++)
		append_rule(compiler, chain, &(struct rule){&rule->args[i], 1, action, 0});
}

static void add_calls(struct compiler *compiler)
{
	const struct oci_seccomp *seccomp = compiler->profile->seccomp;

	for (size_t i = 0; i < seccomp->syscalls_len; i++)
		for (size_t j = 0; j < seccomp->syscalls[i].names_len; j++)
			add_call(compiler, &seccomp->syscalls[i], seccomp->syscalls[i].names[j]);
}

/* -- conditions -------------------------------------------------------------------------------- */

/* False if the condition always holds. */
static bool make_condition(struct program_condition *condition, const struct oci_syscall_arg *arg,
			   uint64_t width)
{
	int op = name_find(seccomp_operators, arg->op)->value;

	*condition = (struct program_condition){
		.argument = (uint8_t)arg->index,
		.jump = BPF_JEQ,
		.negated = op == SCMP_CMP_NE || op == SCMP_CMP_LT || op == SCMP_CMP_LE,
		.mask = width,
		.value = arg->value & width,
	};
	if (op == SCMP_CMP_LT || op == SCMP_CMP_GE)
		condition->jump = BPF_JGE;
	if (op == SCMP_CMP_LE || op == SCMP_CMP_GT)
		condition->jump = BPF_JGT;
	if (op != SCMP_CMP_MASKED_EQ)
		return true;
	condition->mask = arg->value & width;
	condition->value = arg->value_two & condition->mask;
	return condition->mask != 0;
}

static bool holds(const struct program_condition *condition, uint64_t argument)
{
	bool is = argument > condition->value;

	if (condition->jump == BPF_JEQ)
		is = (argument & condition->mask) == condition->value;
	else if (condition->jump == BPF_JGE)
		is = argument >= condition->value;
	return is != condition->negated;
}

/* Whether an argument has to be this one. */
static bool is_exact(const struct program_condition *condition, uint64_t width)
{
	return condition->jump == BPF_JEQ && !condition->negated && condition->mask == width;
}

/* Whether it is sure that no argument fulfils both. */
static bool exclude(const struct program_condition *a, const struct program_condition *b,
		    uint64_t width)
{
	if (a->argument != b->argument)
		return false;
	if (is_exact(a, width))
		return !holds(b, a->value);
	if (is_exact(b, width))
		return !holds(a, b->value);
	return a->jump == b->jump && a->mask == b->mask && a->value == b->value &&
	       a->negated != b->negated;
}

static bool may_both_apply(const struct candidate *a, const struct candidate *b, uint64_t width)
{
	for (size_t i = 0; i < a->conditions_len; i++)
		for (size_t j = 0; j < b->conditions_len; j++)
			if (exclude(&a->conditions[i], &b->conditions[j], width))
				return false;
	return true;
}

/* -- one number -------------------------------------------------------------------------------- */

/* In the profile's order.  A part is known by the first argument of the whole; libseccomp takes what the
 * rule says about that argument for nothing. */
static void add_candidate(struct compiler *compiler, uint32_t index, uint8_t part)
{
	const struct rule *rule = &compiler->rules[index];
	size_t at = compiler->candidates_len;
	struct candidate *candidate;

	if (at == MOST_CANDIDATES) {
		compiler->beyond = true;
		return;
	}
	for (; at > 0 && compiler->candidates[at - 1].rule > index; at--)
		compiler->candidates[at] = compiler->candidates[at - 1];
	compiler->candidates_len++;
	candidate = &compiler->candidates[at];
	*candidate = (struct candidate){.rule = index, .action = rule->action};
	if (part)
		candidate->conditions[candidate->conditions_len++] = (struct program_condition){
			.jump = BPF_JEQ,
			.mask = compiler->width,
			.value = part,
		};
	for (size_t i = 0; i < rule->args_len; i++)
		if (!(part && rule->args[i].index == 0))
			candidate->conditions_len +=
				make_condition(&candidate->conditions[candidate->conditions_len],
					       &rule->args[i], compiler->width);
}

static void add_candidates(struct compiler *compiler, unsigned int call, uint8_t part)
{
	for (uint32_t next = compiler->chains[call].first; next && !compiler->beyond;
	     next = compiler->rules[next - 1].next)
		add_candidate(compiler, next - 1, part);
}

/* How many there are before the first without a condition. */
static size_t conditional_candidates(const struct compiler *compiler)
{
	size_t count = 0;

	while (count < compiler->candidates_len && compiler->candidates[count].conditions_len)
		count++;
	return count;
}

/* libseccomp may leave a rule out, on all architectures, if it contradicts an earlier one. */
static bool contradict(const struct compiler *compiler, size_t count)
{
	const struct candidate *all = compiler->candidates;

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			if (all[i].action != all[j].action &&
			    may_both_apply(&all[i], &all[j], compiler->width))
				return true;
	return false;
}

static unsigned int put_candidates(const struct compiler *compiler, size_t count)
{
	struct program *program = compiler->program;
	unsigned int next = program_return(program, compiler->profile->default_action);

	for (size_t i = count; i-- > 0;) {
		const struct candidate *candidate = &compiler->candidates[i];
		unsigned int label = program_return(program, candidate->action);

		for (size_t j = candidate->conditions_len; j-- > 0;)
			label = program_test(program, &candidate->conditions[j], label, next);
		next = label;
	}
	return next;
}

/* -- ranges ------------------------------------------------------------------------------------ */

/* Ranges come in order; one that begins where the last does takes its place. */
static void begin_range(struct compiler *compiler, const struct range *range)
{
	struct range *next = &compiler->ranges[compiler->ranges_len];

	if (compiler->ranges_len > 0 && next[-1].first == range->first)
		next--;
	if (next > compiler->ranges && !next[-1].label && !range->label &&
	    next[-1].verdict == range->verdict)
		next--;
	else
		*next = *range;
	compiler->ranges_len = (size_t)(next - compiler->ranges) + 1;
}

/* The verdict on a number, of which all candidates are known. */
static void add_number(struct compiler *compiler, uint32_t number)
{
	const uint32_t otherwise = compiler->profile->default_action;
	size_t conditional = conditional_candidates(compiler);
	struct range range = {.first = number};

	compiler->beyond |= contradict(compiler, conditional);
	if (conditional < compiler->candidates_len)
		range.verdict = compiler->candidates[conditional].action;
	else
		range.label = put_candidates(compiler, conditional);
	begin_range(compiler, &range);
	begin_range(compiler, &(struct range){.first = number + 1, .verdict = otherwise});
}

/* The numbers of an architecture, one after the other. */
static void add_numbers(struct compiler *compiler, const struct seccomp_architecture_calls *calls,
			uint32_t bit)
{
	const struct seccomp_call *call = &seccomp_calls[calls->calls];
	const struct seccomp_call *calls_end = call + calls->calls_len;
	const struct seccomp_part *part = &seccomp_parts[calls->parts];
	const struct seccomp_part *parts_end = part + calls->parts_len;

	compiler->ranges_len = 0;
	begin_range(compiler, &(struct range){.verdict = compiler->profile->default_action});
	while (call < calls_end) {
		const uint32_t number = call->number;

		compiler->candidates_len = 0;
		for (; call < calls_end && call->number == number; call++)
			add_candidates(compiler, call->name, 0);
		for (; part < parts_end && part->number <= number; part++)
			if (part->number == number)
				add_candidates(compiler, part->name, part->first);
		if (compiler->candidates_len)
			add_number(compiler, number | bit);
	}
}

/* What is newer than any call that the profile names.  Not for x32, whose numbers are of two generations. */
static void refuse_newer(struct compiler *compiler, const struct seccomp_architecture_calls *calls)
{
	const struct seccomp_call *first = &seccomp_calls[calls->calls];
	const struct seccomp_call *end = first + calls->calls_len;

	while (end > first && !compiler->chains[end[-1].name].named)
		end--;
	if (end == first)
		return;
	begin_range(compiler, &(struct range){
				      .first = end[-1].number + 1,
				      .verdict = SECCOMP_RET_ERRNO | ENOSYS,
			      });
	begin_range(compiler, &(struct range){
				      .first = SECCOMP_X32_BIT,
				      .verdict = compiler->profile->default_action,
			      });
}

/* -- the filter -------------------------------------------------------------------------------- */

static unsigned int put_ranges(struct program *program, const struct range *ranges, size_t count)
{
	size_t half = count / 2;
	unsigned int upper, lower;

	if (count == 1)
		return ranges->label ? ranges->label : program_return(program, ranges->verdict);
	upper = put_ranges(program, ranges + half, count - half);
	lower = put_ranges(program, ranges, half);
	return program_branch(program, BPF_JGE, ranges[half].first, upper, lower);
}

static bool is_wide(uint32_t architecture)
{
	return (architecture & __AUDIT_ARCH_64BIT) &&
	       !(architecture & __AUDIT_ARCH_CONVENTION_MIPS64_N32);
}

static unsigned int put_calls(struct compiler *compiler, uint32_t architecture)
{
	const struct seccomp_architecture_calls *calls = seccomp_calls_of(architecture);
	const bool is_x32 = architecture == SCMP_ARCH_X32;

	if (!calls) {
		compiler->beyond = true;
		return program_return(compiler->program, SECCOMP_RET_KILL_THREAD);
	}
	compiler->width = is_wide(architecture) ? UINT64_MAX : UINT32_MAX;
	add_numbers(compiler, calls, is_x32 ? SECCOMP_X32_BIT : 0);
	if (!is_x32 && seccomp_profile_refuses_newer(compiler->profile))
		refuse_newer(compiler, calls);
	return put_ranges(compiler->program, compiler->ranges, compiler->ranges_len);
}

/* Calls of x32, from SECCOMP_X32_BIT on.  -1 is none of them: it is what a tracer makes of a call to be passed over. */
static unsigned int put_x32(struct compiler *compiler)
{
	const uint32_t otherwise = compiler->profile->default_action;
	struct program *program = compiler->program;

	if (seccomp_profile_has(compiler->profile, SCMP_ARCH_X32))
		return put_calls(compiler, SCMP_ARCH_X32);
	return program_branch(program, BPF_JEQ, UINT32_MAX, program_return(program, otherwise),
			      program_return(program, SECCOMP_RET_KILL_THREAD));
}

static unsigned int put_architecture(struct compiler *compiler, uint32_t architecture)
{
	struct program *program = compiler->program;
	unsigned int label, x32 = 0;

	if (architecture == SCMP_ARCH_X86_64)
		x32 = put_x32(compiler);
	label = put_calls(compiler, architecture);
	if (x32)
		label = program_branch(program, BPF_JGE, SECCOMP_X32_BIT, x32, label);
	/* Where there is nothing to search, there is no need of the number. */
	if (label != program->len)
		return label;
	return program_load(program, offsetof(struct seccomp_data, nr));
}

static void put_architectures(struct compiler *compiler)
{
	const struct seccomp_profile *profile = compiler->profile;
	unsigned int entries[SECCOMP_MOST_ARCHITECTURES] = {0};
	unsigned int label;

	/* The machine's own, which is first, comes last: it stands nearest to the beginning. */
	for (size_t i = profile->architectures_len; i-- > 0;)
		if (profile->architectures[i] != SCMP_ARCH_X32)
			entries[i] = put_architecture(compiler, profile->architectures[i]);
	label = program_return(compiler->program, SECCOMP_RET_KILL_THREAD);
	for (size_t i = profile->architectures_len; i-- > 0;)
		if (entries[i])
			label = program_branch(compiler->program, BPF_JEQ,
					       profile->architectures[i], entries[i], label);
	program_load(compiler->program, offsetof(struct seccomp_data, arch));
}

int seccomp_tree(const struct seccomp_profile *profile, struct program *program, struct error *err)
{
	autofree struct rule *rules = malloc((count_rules(profile->seccomp) + 1) * sizeof(*rules));
	autofree struct chain *chains = calloc(seccomp_call_names, sizeof(*chains));
	/* Two for each number, for the beginning one, and two for what is newer. */
	autofree struct range *ranges = malloc((2 * seccomp_call_names + 3) * sizeof(*ranges));
	autofree struct candidate *candidates = malloc(MOST_CANDIDATES * sizeof(*candidates));
	struct compiler compiler = {
		.profile = profile,
		.program = program,
		.rules = rules,
		.chains = chains,
		.ranges = ranges,
		.candidates = candidates,
	};

	if (!rules || !chains || !ranges || !candidates)
		return error_errno(err, ENOMEM, "make the filter");
	/* Half an architecture: nobody has such a machine. */
	if (seccomp_profile_has(profile, SCMP_ARCH_X32) &&
	    !seccomp_profile_has(profile, SCMP_ARCH_X86_64))
		return 0;
	add_calls(&compiler);
	put_architectures(&compiler);
	return !compiler.beyond && !program->full;
}
