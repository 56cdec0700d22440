/*
 * Device rules in version 2, where a BPF program decides.
 *
 *	https://docs.kernel.org/admin-guide/cgroup-v2.html#device-controller
 *	https://docs.kernel.org/bpf/standardization/instruction-set.html
 *
 * The program takes the rules from the last to the first, and each takes from what is asked what it
 * allows: once nothing is left, the answer is yes; a rule that denies anything of what is left, or
 * the end, makes it no.
 *
 * It is attached with BPF_F_ALLOW_MULTI: those of the cgroups above go on to count, and a container
 * that has a cgroup below its own may only take away.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "cgroup/devices.h"

enum {
	CONTEXT = BPF_REG_1, /* struct bpf_cgroup_dev_ctx */
	ANSWER = BPF_REG_0,
	TYPE = BPF_REG_2,
	LEFT = BPF_REG_3, /* of the access that is asked for */
	MAJOR = BPF_REG_4,
	MINOR = BPF_REG_5,
	HEAD_LENGTH = 6,
	RULE_LENGTH = 7, /* at most */
	TAIL_LENGTH = 2,
};

struct program {
	struct bpf_insn *code;
	size_t length;
};

static void add(struct program *program, struct bpf_insn instruction)
{
	program->code[program->length++] = instruction;
}

static struct bpf_insn load(int to, size_t offset)
{
	return (struct bpf_insn){.code = BPF_LDX | BPF_MEM | BPF_W,
				 .dst_reg = (unsigned char)to & 0xf,
				 .src_reg = CONTEXT,
				 .off = (short)offset};
}

/* to = to OPERATION value */
static struct bpf_insn reckon(int operation, int to, uint32_t value)
{
	return (struct bpf_insn){.code = (unsigned char)(BPF_ALU | operation | BPF_K),
				 .dst_reg = (unsigned char)to & 0xf,
				 .imm = (int)value};
}

/* if (what TEST value) skip as many instructions */
static struct bpf_insn skip_if(int test, int what, uint32_t value, size_t skip)
{
	return (struct bpf_insn){.code = (unsigned char)(BPF_JMP32 | test | BPF_K),
				 .dst_reg = (unsigned char)what & 0xf,
				 .off = (short)skip,
				 .imm = (int)value};
}

static void add_answer(struct program *program, bool yes)
{
	add(program,
	    (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = ANSWER, .imm = yes});
	add(program, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
}

static void add_head(struct program *program)
{
	add(program, load(TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type)));
	add(program,
	    (struct bpf_insn){.code = BPF_ALU | BPF_MOV | BPF_X, .dst_reg = LEFT, .src_reg = TYPE});
	add(program, reckon(BPF_AND, TYPE, 0xffff));
	add(program, reckon(BPF_RSH, LEFT, 16));
	add(program, load(MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major)));
	add(program, load(MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor)));
}

static void add_rule(struct program *program, const struct device_rule *rule)
{
	const size_t body = 4;
	size_t skip = body + (rule->type != 'a') + (rule->major != DEVICE_ANY) +
		      (rule->minor != DEVICE_ANY);

	if (rule->type != 'a')
		add(program,
		    skip_if(BPF_JNE, TYPE,
			    rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR, --skip));
	if (rule->major != DEVICE_ANY)
		add(program, skip_if(BPF_JNE, MAJOR, (uint32_t)rule->major, --skip));
	if (rule->minor != DEVICE_ANY)
		add(program, skip_if(BPF_JNE, MINOR, (uint32_t)rule->minor, --skip));
	if (rule->allow) {
		add(program, reckon(BPF_AND, LEFT, ~rule->access));
		add(program, skip_if(BPF_JNE, LEFT, 0, 2));
		add_answer(program, true);
	} else {
		add(program, skip_if(BPF_JSET, LEFT, rule->access, 1));
		add(program, (struct bpf_insn){.code = BPF_JMP | BPF_JA, .off = 2});
		add_answer(program, false);
	}
}

static int bpf(int command, union bpf_attr *attributes)
{
	return (int)syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

static int load_program(const struct program *program)
{
	union bpf_attr attributes = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insns = (uint64_t)(uintptr_t)program->code,
		.insn_cnt = (uint32_t)program->length,
		.license = (uint64_t)(uintptr_t) "GPL",
	};

	return bpf(BPF_PROG_LOAD, &attributes);
}

static int attach_program(int cgroup, int loaded)
{
	union bpf_attr attributes = {
		.target_fd = (uint32_t)cgroup,
		.attach_bpf_fd = (uint32_t)loaded,
		.attach_type = BPF_CGROUP_DEVICE,
		.attach_flags = BPF_F_ALLOW_MULTI,
	};

	return bpf(BPF_PROG_ATTACH, &attributes);
}

int devices_attach(const char *directory, const struct device_rules *list, struct error *err)
{
	autofree struct bpf_insn *code =
		calloc(HEAD_LENGTH + list->count * RULE_LENGTH + TAIL_LENGTH, sizeof(*code));
	struct program program = {.code = code};
	autoclose int cgroup = -1, loaded = -1;

	if (!code)
		return error_errno(err, ENOMEM, "linux.resources.devices");
	add_head(&program);
	for (size_t i = list->count; i > 0; i--)
		add_rule(&program, &list->rules[i - 1]);
	add_answer(&program, list->all);
	cgroup = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cgroup < 0)
		return error_errno(err, errno, "open cgroup %s", directory);
	loaded = load_program(&program);
	if (loaded < 0) {
		error_errno(err, errno, "linux.resources.devices: load the program");
		return error_hint(err, "the kernel needs CONFIG_CGROUP_BPF, and CAP_BPF and "
				       "CAP_NET_ADMIN or root");
	}
	if (attach_program(cgroup, loaded) < 0)
		return error_errno(err, errno, "linux.resources.devices: attach the program to %s",
				   directory);
	return 0;
}
