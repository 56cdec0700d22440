#include "linux/seccomp-condition.h"

#include <linux/filter.h>
#include <seccomp.h>

#include "linux/seccomp-names.h"

bool condition_make(struct program_condition *condition, const struct oci_syscall_arg *arg,
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

bool condition_excludes(const struct program_condition *a, const struct program_condition *b,
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

bool condition_is_same(const struct program_condition *a, const struct program_condition *b)
{
	return a->argument == b->argument && a->jump == b->jump && a->negated == b->negated &&
	       a->mask == b->mask && a->value == b->value;
}
