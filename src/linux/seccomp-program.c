#include "linux/seccomp-program.h"

#include <endian.h>
#include <linux/seccomp.h>
#include <stddef.h>

/* A conditional jump has 8 bits for how many instructions it passes over.  Two may come between when a
 * label is looked at and when the jump is written. */
enum { FARTHEST = UINT8_MAX - 2 };

/* In struct seccomp_data the arguments are numbers of 64 bits, in the machine's byte order. */
enum {
	LOW_WORD = __BYTE_ORDER == __LITTLE_ENDIAN ? 0 : 4,
	HIGH_WORD = 4 - LOW_WORD,
};

static unsigned int put(struct program *program, struct sock_filter instruction)
{
	if (program->len == BPF_MAXINSNS)
		program->full = true;
	else
		program->room[BPF_MAXINSNS - ++program->len] = instruction;
	return program->len;
}

unsigned int program_return(struct program *program, uint32_t value)
{
	struct program_return *known = program->returns;

	for (size_t i = 0; i < PROGRAM_RETURNS; i++) {
		if (!known[i].label || known[i].value != value)
			continue;
		if (program->len - known[i].label < FARTHEST)
			return known[i].label;
		known[i].label = put(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, value));
		return known[i].label;
	}
	known += program->next_return++ % PROGRAM_RETURNS;
	known->value = value;
	known->label = put(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, value));
	return known->label;
}

/* The label, or one nearer that leads to it. */
static unsigned int within_reach(struct program *program, unsigned int label)
{
	const struct sock_filter *there = &program->room[BPF_MAXINSNS - label];

	if (program->len - label < FARTHEST)
		return label;
	if (there->code == (BPF_RET | BPF_K))
		return program_return(program, there->k);
	return put(program, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, program->len - label));
}

unsigned int program_load(struct program *program, uint32_t offset)
{
	return put(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

unsigned int program_branch(struct program *program, unsigned int jump, uint32_t value,
			    unsigned int holds, unsigned int fails)
{
	holds = within_reach(program, holds);
	fails = within_reach(program, fails);
	return put(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_K | jump, value,
							 (uint8_t)(program->len - holds),
							 (uint8_t)(program->len - fails)));
}

static unsigned int load_word(struct program *program, size_t offset, uint32_t mask)
{
	if (mask != UINT32_MAX)
		put(program, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
	return program_load(program, (uint32_t)offset);
}

/* A word that has no bit in the mask does not matter. */
static unsigned int test_equal(struct program *program, const struct program_condition *condition,
			       unsigned int holds, unsigned int fails)
{
	const size_t offset = offsetof(struct seccomp_data, args[condition->argument]);
	const uint32_t masks[] = {(uint32_t)condition->mask, (uint32_t)(condition->mask >> 32)};
	const uint32_t values[] = {(uint32_t)condition->value, (uint32_t)(condition->value >> 32)};
	const size_t words[] = {LOW_WORD, HIGH_WORD};

	for (size_t i = 0; i < 2; i++) {
		if (!masks[i])
			continue;
		program_branch(program, BPF_JEQ, values[i], holds, fails);
		holds = load_word(program, offset + words[i], masks[i]);
	}
	return holds;
}

/* Greater, or greater or equal: the high word decides, unless it is equal. */
static unsigned int test_order(struct program *program, const struct program_condition *condition,
			       unsigned int holds, unsigned int fails)
{
	const size_t offset = offsetof(struct seccomp_data, args[condition->argument]);
	const uint32_t high = (uint32_t)(condition->value >> 32);
	unsigned int low, equal;

	program_branch(program, condition->jump, (uint32_t)condition->value, holds, fails);
	low = load_word(program, offset + LOW_WORD, UINT32_MAX);
	if (condition->mask <= UINT32_MAX)
		return low;
	equal = program_branch(program, BPF_JEQ, high, low, fails);
	program_branch(program, BPF_JGT, high, holds, equal);
	return load_word(program, offset + HIGH_WORD, UINT32_MAX);
}

unsigned int program_test(struct program *program, const struct program_condition *condition,
			  unsigned int holds, unsigned int fails)
{
	const unsigned int yes = condition->negated ? fails : holds;
	const unsigned int no = condition->negated ? holds : fails;

	if (condition->jump == BPF_JEQ)
		return test_equal(program, condition, yes, no);
	return test_order(program, condition, yes, no);
}
