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
 * that has a cgroup below its own may only take away.  Later rules replace the program that is there, which
 * is known by its name, in one step (BPF_F_REPLACE).
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
#include "cgroup/tree.h"

#define PROGRAM_NAME "proa_devices"

enum {
	ANSWER = BPF_REG_0,
	CONTEXT = BPF_REG_1, /* struct bpf_cgroup_dev_ctx */
	TYPE = BPF_REG_2,
	LEFT = BPF_REG_3, /* of the access that is asked for */
	MAJOR = BPF_REG_4,
	MINOR = BPF_REG_5,
	DRIVER = BPF_REG_6, /* the type and the major number */
	DEVICE = BPF_REG_7, /* these and the minor number */
	WANTED = BPF_REG_8,
	HEAD_LENGTH = 13,
	RULE_LENGTH = 14, /* at most: for both types 3 to compare, 4 to decide */
	TAIL_LENGTH = 2,
	USUAL_LENGTH = 512,
	/* A number of a device in the kernel, dev_t: what is larger is no device's. */
	MAJOR_BITS = 12,
	MINOR_BITS = 20,
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
	return (struct bpf_insn){.code = (unsigned char)(BPF_ALU64 | operation | BPF_K),
				 .dst_reg = (unsigned char)to & 0xf,
				 .imm = (int)value};
}

/* to = to OPERATION from */
static struct bpf_insn combine(int operation, int to, int from)
{
	return (struct bpf_insn){.code = (unsigned char)(BPF_ALU64 | operation | BPF_X),
				 .dst_reg = (unsigned char)to & 0xf,
				 .src_reg = (unsigned char)from & 0xf};
}

/* if (what TEST value) skip as many instructions */
static struct bpf_insn skip_if(int test, int what, uint32_t value, size_t skip)
{
	return (struct bpf_insn){.code = (unsigned char)(BPF_JMP32 | test | BPF_K),
				 .dst_reg = (unsigned char)what & 0xf,
				 .off = (short)skip,
				 .imm = (int)value};
}

static void add_exit(struct program *program)
{
	add(program, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
}

/* The answer is yes until it is known to be no. */
static void add_head(struct program *program)
{
	add(program, load(TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type)));
	add(program, load(MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major)));
	add(program, load(MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor)));
	add(program, combine(BPF_MOV, LEFT, TYPE));
	add(program, reckon(BPF_AND, TYPE, 0xffff));
	add(program, reckon(BPF_RSH, LEFT, 16));
	add(program, combine(BPF_MOV, DRIVER, TYPE));
	add(program, reckon(BPF_LSH, DRIVER, MAJOR_BITS));
	add(program, combine(BPF_OR, DRIVER, MAJOR));
	add(program, combine(BPF_MOV, DEVICE, DRIVER));
	add(program, reckon(BPF_LSH, DEVICE, MINOR_BITS));
	add(program, combine(BPF_OR, DEVICE, MINOR));
	add(program, reckon(BPF_MOV, ANSWER, true));
}

/* What is done with an access that a rule speaks of. */
static void add_body(struct program *program, const struct device_rule *rule)
{
	if (!rule->allow) {
		add(program, skip_if(BPF_JSET, LEFT, rule->access, 1));
		add(program, (struct bpf_insn){.code = BPF_JMP | BPF_JA, .off = 2});
		add(program, reckon(BPF_MOV, ANSWER, false));
	} else if (rule->access != ACCESS_ALL) {
		add(program, reckon(BPF_AND, LEFT, ~rule->access));
		add(program, skip_if(BPF_JNE, LEFT, 0, 1));
	}
	add_exit(program);
}

static size_t body_length(const struct device_rule *rule)
{
	if (!rule->allow)
		return 4;
	return rule->access == ACCESS_ALL ? 1 : 3;
}

/*
 * A comparison that succeeds tells the kernel's verifier what is in a register, and it goes through the
 * rest of the program once more with that.  So there is one comparison for a rule, of a value that is
 * not compared with anything again where it succeeded: loading takes a fifth of the time.
 */
static void add_match(struct program *program, const struct device_rule *rule, uint32_t type)
{
	uint64_t driver = (uint64_t)type << MAJOR_BITS | (uint64_t)rule->major;
	uint64_t device = driver << MINOR_BITS | (uint64_t)rule->minor;
	size_t body = body_length(rule);

	if (rule->major == DEVICE_ANY) {
		add(program, skip_if(BPF_JNE, TYPE, type, body + (rule->minor != DEVICE_ANY)));
		if (rule->minor != DEVICE_ANY)
			add(program, skip_if(BPF_JNE, MINOR, (uint32_t)rule->minor, body));
	} else if (rule->minor == DEVICE_ANY) {
		add(program, skip_if(BPF_JNE, DRIVER, (uint32_t)driver, body));
	} else {
		add(program, (struct bpf_insn){.code = BPF_LD | BPF_DW | BPF_IMM,
					       .dst_reg = WANTED,
					       .imm = (int)(uint32_t)device});
		add(program, (struct bpf_insn){.imm = (int)(uint32_t)(device >> 32)});
		add(program, (struct bpf_insn){.code = BPF_JMP | BPF_JNE | BPF_X,
					       .dst_reg = DEVICE,
					       .src_reg = WANTED,
					       .off = (short)body});
	}
	add_body(program, rule);
}

static void add_rule(struct program *program, const struct device_rule *rule)
{
	bool both = rule->type == 'a', any = rule->major == DEVICE_ANY && rule->minor == DEVICE_ANY;

	if (rule->major >> MAJOR_BITS > 0 || rule->minor >> MINOR_BITS > 0)
		return;
	if (both && any) {
		add_body(program, rule);
		return;
	}
	if (both || rule->type == 'b')
		add_match(program, rule, BPF_DEVCG_DEV_BLOCK);
	if (both || rule->type == 'c')
		add_match(program, rule, BPF_DEVCG_DEV_CHAR);
}

size_t devices_program_size(const struct device_rules *list)
{
	return HEAD_LENGTH + list->count * RULE_LENGTH + TAIL_LENGTH;
}

size_t devices_program(const struct device_rules *list, struct bpf_insn *code)
{
	struct program program = {.code = code};

	add_head(&program);
	for (size_t i = list->count; i > 0; i--)
		add_rule(&program, &list->rules[i - 1]);
	add(&program, reckon(BPF_MOV, ANSWER, list->all));
	add_exit(&program);
	return program.length;
}

/* What denies nothing is not worth a program. */
static bool denies(const struct device_rules *list)
{
	return !list->all || list->count > 0;
}

/* -- the kernel -------------------------------------------------------------------------------- */

static int bpf(int command, union bpf_attr *attributes)
{
	return (int)syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

/* The kernel says in a log why it does not take a program. */
static int load_program(const struct program *program, char *log, size_t log_size)
{
	union bpf_attr attributes = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insns = (uint64_t)(uintptr_t)program->code,
		.insn_cnt = (uint32_t)program->length,
		.license = (uint64_t)(uintptr_t) "GPL",
		.prog_name = PROGRAM_NAME,
		.log_level = log != NULL,
		.log_buf = (uint64_t)(uintptr_t)log,
		.log_size = (uint32_t)log_size,
	};

	return bpf(BPF_PROG_LOAD, &attributes);
}

static int explain_load(const struct program *program, int code, struct error *err)
{
	enum { LOG_SIZE = 64 * 1024 };
	autofree char *log = calloc(1, LOG_SIZE);

	error_errno(err, code, "load the program");
	if (code == EINVAL && log && load_program(program, log, LOG_SIZE) < 0 && log[0])
		return error_hint(err, "the kernel says: %.*s", (int)strcspn(log, "\n"), log);
	return error_hint(err, "the kernel needs CONFIG_CGROUP_BPF, and CAP_BPF and CAP_NET_ADMIN "
			       "or root");
}

/* Whether the program is one of ours. */
static bool is_ours(int program)
{
	struct bpf_prog_info info = {0};
	union bpf_attr attributes = {
		.info.bpf_fd = (uint32_t)program,
		.info.info_len = sizeof(info),
		.info.info = (uint64_t)(uintptr_t)&info,
	};

	return bpf(BPF_OBJ_GET_INFO_BY_FD, &attributes) == 0 &&
	       strcmp(info.name, PROGRAM_NAME) == 0;
}

/* The program that is attached to the cgroup under our name, or -1; others may be attached as well,
 * systemd's is. */
static int find_attached(int cgroup)
{
	enum { MOST_PROGRAMS = 64 }; /* the kernel's own limit */
	uint32_t ids[MOST_PROGRAMS] = {0};
	union bpf_attr query = {
		.query.target_fd = (uint32_t)cgroup,
		.query.attach_type = BPF_CGROUP_DEVICE,
		.query.prog_ids = (uint64_t)(uintptr_t)ids,
		.query.prog_cnt = MOST_PROGRAMS,
	};

	if (bpf(BPF_PROG_QUERY, &query) < 0)
		return -1;
	for (uint32_t i = 0; i < query.query.prog_cnt; i++) {
		union bpf_attr attributes = {.prog_id = ids[i]};
		autoclose int program = bpf(BPF_PROG_GET_FD_BY_ID, &attributes);

		if (program >= 0 && is_ours(program))
			return take_fd(&program);
	}
	return -1;
}

/* former: the one that it replaces, or -1. */
static int attach_program(int cgroup, int loaded, int former)
{
	union bpf_attr attributes = {
		.target_fd = (uint32_t)cgroup,
		.attach_bpf_fd = (uint32_t)loaded,
		.attach_type = BPF_CGROUP_DEVICE,
		.attach_flags = BPF_F_ALLOW_MULTI | (former < 0 ? 0 : BPF_F_REPLACE),
		.replace_bpf_fd = (uint32_t)(former < 0 ? 0 : former),
	};

	return bpf(BPF_PROG_ATTACH, &attributes);
}

static int detach_program(int cgroup, int program)
{
	union bpf_attr attributes = {
		.target_fd = (uint32_t)cgroup,
		.attach_bpf_fd = (uint32_t)program,
		.attach_type = BPF_CGROUP_DEVICE,
	};

	return bpf(BPF_PROG_DETACH, &attributes);
}

/* Returns the program. */
static int load_rules(const struct device_rules *list, struct error *err)
{
	static struct bpf_insn usual[USUAL_LENGTH];
	size_t most = devices_program_size(list);
	autofree struct bpf_insn *many = most > USUAL_LENGTH ? calloc(most, sizeof(*many)) : NULL;
	struct program program = {.code = many ? many : usual};
	int loaded;

	if (!many && most > USUAL_LENGTH)
		return error_errno(err, ENOMEM, "make the program");
	program.length = devices_program(list, program.code);
	loaded = load_program(&program, NULL, 0);
	return loaded < 0 ? explain_load(&program, errno, err) : loaded;
}

static int ahead = -1; /* what devices_load_ahead() has loaded */

void devices_load_ahead(const struct device_rules *list)
{
	struct error unheard = {0};

	if (ahead < 0 && denies(list))
		ahead = load_rules(list, &unheard);
}

static int attach(int cgroup, int former, const struct device_rules *list, struct error *err)
{
	autoclose int loaded = ahead >= 0 ? take_fd(&ahead) : load_rules(list, err);

	if (loaded < 0)
		return loaded;
	if (attach_program(cgroup, loaded, former) < 0)
		return error_errno(err, errno, "attach the program");
	return 0;
}

int devices_attach(const char *directory, const struct device_rules *list, struct error *err)
{
	autoclose int cgroup = openat(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclose int former = -1;

	if (cgroup < 0 && tree_gone(errno))
		return error_config(err, "cgroup %s is gone", directory);
	if (cgroup < 0)
		return error_errno(err, errno, "open cgroup %s", directory);
	former = find_attached(cgroup);
	if (denies(list))
		return attach(cgroup, former, list, err);
	if (former >= 0 && detach_program(cgroup, former) < 0)
		return error_errno(err, errno, "detach the program");
	return 0;
}
