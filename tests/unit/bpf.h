/* Runs a seccomp filter as the kernel would, on a system call that nobody makes. */
#pragma once

#include <check.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <string.h>

static inline int bpf_jump(const struct sock_filter *at, uint32_t a)
{
	int holds;

	switch (BPF_OP(at->code)) {
	case BPF_JA:
		return (int)at->k;
	case BPF_JEQ:
		holds = a == at->k;
		break;
	case BPF_JGT:
		holds = a > at->k;
		break;
	case BPF_JGE:
		holds = a >= at->k;
		break;
	default:
		holds = (a & at->k) != 0;
		break;
	}
	return holds ? at->jt : at->jf;
}

/* The filter's verdict: SECCOMP_RET_*. */
static inline uint32_t bpf_run(const struct sock_filter *filter, size_t length,
			       const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t i = 0; i < length; i++) {
		const struct sock_filter *at = &filter[i];

		switch (BPF_CLASS(at->code)) {
		case BPF_LD:
			ck_assert_uint_le(at->k, sizeof(*data) - sizeof(a));
			memcpy(&a, (const char *)data + at->k, sizeof(a));
			break;
		case BPF_ALU:
			ck_assert_uint_eq(BPF_OP(at->code), BPF_AND);
			a &= at->k;
			break;
		case BPF_JMP:
			i += (size_t)bpf_jump(at, a);
			break;
		case BPF_RET:
			return at->k;
		default:
			ck_abort_msg("instruction %zu is unknown", i);
		}
	}
	ck_abort_msg("the filter has no end");
	return 0;
}
