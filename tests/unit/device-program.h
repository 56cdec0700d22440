/* Device programs, carried out as the kernel would: for the unit test of the rules, and the fuzzer. */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* False: the operation is none that is known here. */
static inline bool device_program_reckon(const struct bpf_insn *at, uint64_t other, uint64_t *value)
{
	uint64_t operand = BPF_SRC(at->code) == BPF_X ? other : (uint64_t)(int64_t)at->imm;

	switch (BPF_OP(at->code)) {
	case BPF_MOV:
		*value = operand;
		return true;
	case BPF_AND:
		*value &= operand;
		return true;
	case BPF_OR:
		*value |= operand;
		return true;
	case BPF_XOR:
		*value ^= operand;
		return true;
	case BPF_SUB:
		*value -= operand;
		return true;
	case BPF_NEG:
		*value = -*value;
		return true;
	case BPF_LSH:
		*value <<= operand & 63;
		return true;
	case BPF_RSH:
		*value >>= operand & 63;
		return true;
	default:
		return false;
	}
}

/* Puts what the program returns into *answer.  False: an instruction is unknown, jumps, or the end is not the last. */
static inline bool device_program_run(const struct bpf_insn *code, size_t length,
				      const struct bpf_cgroup_dev_ctx *context, uint64_t *answer)
{
	uint64_t registers[16] = {0};
	uint32_t word;

	for (size_t i = 0; i < length; i++) {
		const struct bpf_insn *at = &code[i];
		uint64_t *to = &registers[at->dst_reg], other = registers[at->src_reg];

		switch (BPF_CLASS(at->code)) {
		case BPF_LDX:
			if (at->off < 0 || (size_t)at->off > sizeof(*context) - sizeof(word))
				return false;
			memcpy(&word, (const char *)context + at->off, sizeof(word));
			*to = word;
			break;
		case BPF_LD: /* 64 bits, in two instructions */
			*to = (uint64_t)(uint32_t)at[1].imm << 32 | (uint32_t)at->imm;
			i++;
			break;
		case BPF_ALU64:
			if (!device_program_reckon(at, other, to))
				return false;
			break;
		case BPF_ALU: /* 32 bits, the others are 0 */
			if (!device_program_reckon(at, other, to))
				return false;
			*to = (uint32_t)*to;
			break;
		default:
			*answer = registers[BPF_REG_0];
			return at->code == (BPF_JMP | BPF_EXIT) && i == length - 1;
		}
	}
	return false;
}
