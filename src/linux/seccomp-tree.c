/*
 * The filter: for each architecture a binary search among ranges of numbers with the same verdict.
 * libseccomp makes one of some 1100 instructions in 20 ms of Docker's and Podman's profiles, and loading it
 * takes a millisecond, because the kernel runs it for each number there is and translates it.  This has a
 * third of the instructions, in less than 100 us.
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
 * Where the conditions of several rules hold, and their actions differ, the specification is silent, and
 * libseccomp takes one or the other, or none, as its tree comes to be.  Here it is the most restrictive, in
 * the order in which the kernel chooses among several filters; of the same action with different numbers the
 * first.  That is safe, and can be told without going through all combinations of the rules.
 *
 *	https://github.com/seccomp/libseccomp, seccomp_rule_add(3), seccomp(2)
 */
#include "linux/seccomp-tree.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>

#include "basic/log.h"
#include "linux/seccomp-calls.h"
#include "linux/seccomp-chains.h"
#include "linux/seccomp-condition.h"

enum {
	/* Each takes two instructions at least, so there is no room for more. */
	MOST_CONDITIONS = BPF_MAXINSNS / 2,
	MOST_REMEMBERED = 32,
};

/* A rule with conditions that may apply to a number. */
struct candidate {
	uint32_t rule;
	uint16_t conditions, conditions_len; /* first and how many; there is one at least */
	uint8_t part;			     /* of another call, or 0 */
};

/* The candidates for a number, in the terms of the architecture; the most restrictive are first. */
struct choice {
	size_t len, conditions_len;
	uint32_t decisive; /* the first rule without a condition + 1, or 0 */
	struct candidate candidates[MOST_CONDITIONS];
	struct program_condition conditions[MOST_CONDITIONS];
};

/* What was written last. */
struct memory {
	unsigned int label; /* 0: nothing */
	size_t len;
	struct candidate candidates[MOST_REMEMBERED];
	struct program_condition conditions[MOST_REMEMBERED];
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
	bool full; /* there is too much for a program */
	bool told; /* that rules contradict each other */
	struct call_chains chains;
	struct choice *choice; /* of the number */
	struct memory last;
	struct range *ranges;
	size_t ranges_len;
	uint64_t width; /* the bits that an argument has */
};

/* -- one number -------------------------------------------------------------------------------- */

static bool may_both_apply(const struct choice *choice, const struct candidate *a,
			   const struct candidate *b, uint64_t width)
{
	for (size_t i = 0; i < a->conditions_len; i++)
		for (size_t j = 0; j < b->conditions_len; j++)
			if (condition_excludes(&choice->conditions[a->conditions + i],
					       &choice->conditions[b->conditions + j], width))
				return false;
	return true;
}

static uint32_t action_of(const struct compiler *compiler, const struct candidate *candidate)
{
	return compiler->chains.rules[candidate->rule].action;
}

/* As the kernel sees it when several filters have a verdict. */
static int32_t freedom(uint32_t action)
{
	return (int32_t)(action & SECCOMP_RET_ACTION_FULL);
}

static bool is_before(const struct compiler *compiler, const struct candidate *a,
		      const struct candidate *b)
{
	int32_t one = freedom(action_of(compiler, a)), other = freedom(action_of(compiler, b));

	return one == other ? a->rule < b->rule : one < other;
}

/* The rule's conditions, behind those that are there; false if there are too many.  A part is known by the first
 * argument of the whole; libseccomp takes what the rule says about that argument for nothing. */
static bool make_conditions(struct compiler *compiler, struct candidate *candidate)
{
	const struct call_rule *rule = &compiler->chains.rules[candidate->rule];
	struct choice *choice = compiler->choice;
	struct program_condition *next = &choice->conditions[choice->conditions_len];

	if (choice->conditions_len + rule->args_len + 1 > MOST_CONDITIONS)
		return false;
	candidate->conditions = (uint16_t)choice->conditions_len;
	if (candidate->part)
		*next++ = (struct program_condition){
			.jump = BPF_JEQ,
			.mask = compiler->width,
			.value = candidate->part,
		};
	for (size_t i = 0; i < rule->args_len; i++)
		if (!(candidate->part && rule->args[i].index == 0))
			next += condition_make(next, &rule->args[i], compiler->width);
	candidate->conditions_len = (uint16_t)(next - choice->conditions - candidate->conditions);
	return true;
}

static void add_candidate(struct compiler *compiler, uint32_t rule, uint8_t part)
{
	struct candidate candidate = {.rule = rule, .part = part};
	struct choice *choice = compiler->choice;
	size_t at = choice->len;

	if (choice->decisive && choice->decisive <= rule)
		return;
	if (!make_conditions(compiler, &candidate)) {
		compiler->full = true;
		return;
	}
	if (candidate.conditions_len == 0) {
		choice->decisive = rule + 1;
		return;
	}
	for (; at > 0 && is_before(compiler, &candidate, &choice->candidates[at - 1]); at--)
		choice->candidates[at] = choice->candidates[at - 1];
	choice->candidates[at] = candidate;
	choice->conditions_len += candidate.conditions_len;
	choice->len++;
}

static void add_candidates(struct compiler *compiler, unsigned int call, uint8_t part)
{
	struct call_chains *chains = &compiler->chains;

	for (uint32_t next = call_chains_first(chains, call); next && !compiler->full;
	     next = chains->rules[next - 1].next)
		add_candidate(compiler, next - 1, part);
}

static bool contradict(const struct compiler *compiler)
{
	const struct choice *choice = compiler->choice;
	const struct candidate *all = choice->candidates;

	for (size_t i = 0; i < choice->len; i++)
		for (size_t j = 0; j < i; j++)
			if (action_of(compiler, &all[i]) != action_of(compiler, &all[j]) &&
			    may_both_apply(choice, &all[i], &all[j], compiler->width))
				return true;
	return false;
}

/* Other runtimes may do otherwise. */
static void tell_of_contradictions(struct compiler *compiler, unsigned int call)
{
	if (compiler->told || !contradict(compiler))
		return;
	compiler->told = true;
	log_warning(
		"linux.seccomp: rules on %s with different actions can apply to the same call: the "
		"most restrictive one counts",
		seccomp_call_list[call].text);
}

/* Whether it is the same as the last number's, as when a rule names several calls. */
static bool is_last_again(const struct compiler *compiler)
{
	const struct choice *choice = compiler->choice;
	const struct memory *last = &compiler->last;

	if (!last->label || choice->len != last->len)
		return false;
	for (size_t i = 0; i < choice->len; i++) {
		const struct candidate *a = &choice->candidates[i], *b = &last->candidates[i];

		if (action_of(compiler, a) != action_of(compiler, b) ||
		    a->conditions_len != b->conditions_len)
			return false;
		for (size_t j = 0; j < a->conditions_len; j++)
			if (!condition_is_same(&choice->conditions[a->conditions + j],
					       &last->conditions[b->conditions + j]))
				return false;
	}
	return true;
}

static void remember(struct compiler *compiler, unsigned int label)
{
	const struct choice *choice = compiler->choice;
	struct memory *last = &compiler->last;

	last->label = 0;
	/* Each candidate has a condition. */
	if (choice->conditions_len > MOST_REMEMBERED)
		return;
	last->label = label;
	last->len = choice->len;
	memcpy(last->candidates, choice->candidates, choice->len * sizeof(*last->candidates));
	memcpy(last->conditions, choice->conditions,
	       choice->conditions_len * sizeof(*last->conditions));
}

static unsigned int put_candidates(const struct compiler *compiler)
{
	const struct choice *choice = compiler->choice;
	struct program *program = compiler->program;
	unsigned int next = program_return(program, compiler->profile->default_action);

	for (size_t i = choice->len; i-- > 0;) {
		const struct candidate *candidate = &choice->candidates[i];
		unsigned int label = program_return(program, action_of(compiler, candidate));

		for (size_t j = candidate->conditions_len; j-- > 0;)
			label = program_test(program,
					     &choice->conditions[candidate->conditions + j], label,
					     next);
		next = label;
	}
	return next;
}

static unsigned int put_choice(struct compiler *compiler, unsigned int call)
{
	unsigned int label;

	if (is_last_again(compiler))
		return compiler->last.label;
	tell_of_contradictions(compiler, call);
	label = put_candidates(compiler);
	remember(compiler, label);
	return label;
}

/* -- ranges ------------------------------------------------------------------------------------ */

/* Ranges come in order; one that begins where the last does takes its place. */
static void begin_range(struct compiler *compiler, const struct range *range)
{
	struct range *next = &compiler->ranges[compiler->ranges_len];

	if (compiler->ranges_len > 0 && next[-1].first == range->first)
		next--;
	if (next > compiler->ranges && next[-1].label == range->label &&
	    next[-1].verdict == range->verdict)
		next--;
	else
		*next = *range;
	compiler->ranges_len = (size_t)(next - compiler->ranges) + 1;
}

/* The numbers from first up to after; behind them the default action begins again. */
static void add_range(struct compiler *compiler, const struct range *range, uint32_t after)
{
	begin_range(compiler, range);
	begin_range(compiler, &(struct range){after, compiler->profile->default_action, 0});
}

/* The verdict on a number, of which all candidates are known; the call is one that has it. */
static void add_number(struct compiler *compiler, uint32_t number, unsigned int call)
{
	const uint32_t decisive = compiler->choice->decisive;
	struct range range = {.first = number};

	if (decisive)
		range.verdict = compiler->chains.rules[decisive - 1].action;
	else
		range.label = put_choice(compiler, call);
	add_range(compiler, &range, number + 1);
}

static void begin_choice(struct compiler *compiler)
{
	compiler->choice->len = compiler->choice->conditions_len = 0;
	compiler->choice->decisive = 0;
}

/* Where the numbers of an architecture have been gone through up to. */
struct position {
	const struct seccomp_call *call, *calls_end;
	const struct seccomp_part *part, *parts_end;
};

/* The numbers from here on that belong to one call alone, about which nothing needs to be found out: nearly all. */
static void add_decided(struct compiler *compiler, struct position *at, uint32_t bit)
{
	const uint32_t limit = at->part < at->parts_end ? at->part->number : UINT32_MAX;
	const struct seccomp_call *call = at->call, *end = at->calls_end;
	uint32_t first = 0, after = 0,
		 verdict = 0; /* the last ones, which are not in a range yet */

	for (; call < end && call->number < limit; call++) {
		const struct call_chain *chain = &compiler->chains.by_call[call->name];

		if (!chain->first)
			continue;
		if (!chain->is_decided || (call + 1 < end && call[1].number == call->number))
			break;
		if (call->number != after || chain->verdict != verdict) {
			if (after)
				add_range(compiler, &(struct range){first | bit, verdict, 0},
					  after | bit);
			first = call->number;
			verdict = chain->verdict;
		}
		after = call->number + 1;
	}
	if (after)
		add_range(compiler, &(struct range){first | bit, verdict, 0}, after | bit);
	at->call = call;
}

static void add_any(struct compiler *compiler, struct position *at, uint32_t bit)
{
	const uint32_t number = at->call->number;

	begin_choice(compiler);
	for (; at->call < at->calls_end && at->call->number == number; at->call++)
		add_candidates(compiler, at->call->name, 0);
	for (; at->part < at->parts_end && at->part->number <= number; at->part++)
		if (at->part->number == number)
			add_candidates(compiler, at->part->name, at->part->first);
	if (compiler->choice->len || compiler->choice->decisive)
		add_number(compiler, number | bit, at->call[-1].name);
	compiler->full |= compiler->program->full;
}

/* The numbers of an architecture, one after the other. */
static void add_numbers(struct compiler *compiler, const struct seccomp_architecture_calls *calls,
			uint32_t bit)
{
	struct position at = {
		.call = &seccomp_calls[calls->calls],
		.calls_end = &seccomp_calls[calls->calls + calls->calls_len],
		.part = &seccomp_parts[calls->parts],
		.parts_end = &seccomp_parts[calls->parts + calls->parts_len],
	};

	compiler->ranges_len = 0;
	compiler->last.label = 0;
	begin_range(compiler, &(struct range){.verdict = compiler->profile->default_action});
	while (add_decided(compiler, &at, bit), at.call < at.calls_end && !compiler->full)
		add_any(compiler, &at, bit);
}

/* The number that comes after all calls that the profile names, also as parts of others; 0 if it names none. */
static uint32_t after_newest(const struct compiler *compiler,
			     const struct seccomp_architecture_calls *calls)
{
	const struct seccomp_call *call = &seccomp_calls[calls->calls];
	const struct seccomp_part *part = &seccomp_parts[calls->parts];
	uint32_t after = 0;

	for (size_t i = calls->calls_len; i > 0 && !after; i--)
		if (compiler->chains.by_call[call[i - 1].name].named)
			after = call[i - 1].number + 1;
	for (size_t i = 0; i < calls->parts_len; i++)
		if (compiler->chains.by_call[part[i].name].named && part[i].number >= after)
			after = part[i].number + 1u;
	return after;
}

/* What is newer than any call that the profile names.  Not for x32, whose numbers are of two generations. */
static void refuse_newer(struct compiler *compiler, const struct seccomp_architecture_calls *calls)
{
	const uint32_t after = after_newest(compiler, calls);

	if (after == 0)
		return;
	begin_range(compiler, &(struct range){
				      .first = after,
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

	/* The machine's own, which is first, comes last: it stands nearest to the beginning.  x32 belongs to
	 * x86-64; no machine has it alone. */
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

static void *take_array(struct arena *arena, size_t count, size_t size)
{
	return arena_alloc_apart(arena, count * size);
}

int seccomp_tree(const struct seccomp_profile *profile, struct program *program,
		 struct arena *arena, struct error *err)
{
	struct compiler compiler = {
		.profile = profile,
		.program = program,
		/* Two for each number, for the beginning one, and two for what is newer. */
		.ranges = take_array(arena, 2 * seccomp_call_list_len + 3, sizeof(struct range)),
		.choice = take_array(arena, 1, sizeof(struct choice)),
	};

	if (!compiler.ranges || !compiler.choice)
		return arena_full(arena, err);
	if (call_chains_make(&compiler.chains, profile, arena, err) < 0)
		return -err->code;
	put_architectures(&compiler);
	if (!compiler.full && !program->full)
		return 0;
	return error_config(err,
			    "the filter would have more than %d instructions, which is all that "
			    "the kernel takes",
			    BPF_MAXINSNS);
}
