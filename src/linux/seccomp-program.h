/*
 * A program of the kernel's classic BPF, written from its end to its beginning.
 *
 *	https://docs.kernel.org/networking/filter.html, seccomp(2)
 *
 * Jumps lead forward only, so what is jumped to is there before the jump is written.  A place is a label:
 * how many instructions there are from it to the end.
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

enum { PROGRAM_RETURNS = 8 };

struct program {
	struct sock_filter *room; /* BPF_MAXINSNS of them; the program is the last len */
	unsigned int len;
	bool full; /* there was no room for something: the program is of no use */
	struct program_return {
		uint32_t value;
		unsigned int label; /* 0: none */
	} returns[PROGRAM_RETURNS]; /* some that can be jumped to again */
	unsigned int next_return;
};

/* A condition on an argument. */
struct program_condition {
	uint8_t argument;
	uint8_t jump; /* BPF_JEQ, BPF_JGT or BPF_JGE */
	bool negated;
	uint64_t mask;	/* of JEQ; for the others all bits that the argument has */
	uint64_t value; /* none that is not in mask */
};

/* Each returns the label of what it wrote. */

/* Ends with the value, SECCOMP_RET_*. */
unsigned int program_return(struct program *program, uint32_t value);

/* Loads the word at the offset in struct seccomp_data, for what is written already. */
unsigned int program_load(struct program *program, uint32_t offset);

/* Goes to one of the labels, by comparing the word that is loaded. */
unsigned int program_branch(struct program *program, unsigned int jump, uint32_t value,
			    unsigned int holds, unsigned int fails);

/* Goes to one of the labels, by the condition; loads what it needs. */
unsigned int program_test(struct program *program, const struct program_condition *condition,
			  unsigned int holds, unsigned int fails);
