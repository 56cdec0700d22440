/*
 * Device rules in version 2, where a BPF program decides.
 *
 *	https://docs.kernel.org/admin-guide/cgroup-v2.html#device-controller
 *	https://docs.kernel.org/bpf/standardization/instruction-set.html
 *
 * The program takes the rules from the last to the first.  Each takes from what is asked what it allows, or notes what
 * it denies of it; at the end the answer is yes if nothing is left and nothing is denied.
 *
 * It has no jumps.  The kernel's verifier goes through what follows a jump once for each way that leads there, which
 * would take longer than all the rest of loading; without them it reads the program once, from the first to the last
 * instruction, however many rules there are.  So a comparison is a difference, which is 0 if the rule speaks of
 * the device.
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
#include "basic/large.h"
#include "cgroup/devices.h"
#include "cgroup/tree.h"

#define PROGRAM_NAME "proa_devices"

enum {
	DENIED = BPF_REG_0,  /* of the access that is asked for; at the end the answer */
	CONTEXT = BPF_REG_1, /* struct bpf_cgroup_dev_ctx */
	TYPE = BPF_REG_2,
	LEFT = BPF_REG_3, /* of the access that is asked for */
	MAJOR = BPF_REG_4,
	MINOR = BPF_REG_5,
	DRIVER = BPF_REG_6, /* the type and the major number */
	DEVICE = BPF_REG_7, /* these and the minor number */
	MATCH = BPF_REG_8,
	MORE = BPF_REG_9,
	HEAD_LENGTH = 13,
	RULE_LENGTH = 11, /* at most: 7 for MATCH, 4 for what is done then; 14 for two or more */
	TAIL_LENGTH = 4,
	USUAL_LENGTH = 512,
	/* A number of a device in the kernel, dev_t: what is larger is no device's. */
	MAJOR_BITS = 12,
	MINOR_BITS = 20,
	GROUP_BITS = 5, /* of minor numbers that are looked up in a set of bits */
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

static void add_exit(struct program *program)
{
	add(program, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
}

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
	add(program, reckon(BPF_MOV, DENIED, 0));
}

/* to = the bits in which what and value differ */
static void add_difference(struct program *program, int to, int what, uint32_t value)
{
	add(program, combine(BPF_MOV, to, what));
	add(program, reckon(BPF_XOR, to, value));
}

/* What 0 stands for becomes 1, and any other number below 2^63 becomes 0. */
static void add_is_zero(struct program *program, int what)
{
	add(program, reckon(BPF_SUB, what, 1));
	add(program, reckon(BPF_RSH, what, 63));
}

static uint32_t type_of(const struct device_rule *rule)
{
	return rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
}

static uint32_t driver_of(const struct device_rule *rule)
{
	return type_of(rule) << MAJOR_BITS | (uint32_t)rule->major;
}

static void add_device(struct program *program, const struct device_rule *rule)
{
	uint64_t device = (uint64_t)driver_of(rule) << MINOR_BITS | (uint64_t)rule->minor;

	add(program, (struct bpf_insn){.code = BPF_LD | BPF_DW | BPF_IMM,
				       .dst_reg = MATCH,
				       .imm = (int)(uint32_t)device});
	add(program, (struct bpf_insn){.imm = (int)(uint32_t)(device >> 32)});
	add(program, combine(BPF_XOR, MATCH, DEVICE));
}

/* MATCH = 1 if the rule speaks of the device, otherwise 0 */
static void add_match(struct program *program, const struct device_rule *rule)
{
	bool both = rule->type == 'a', minor = rule->minor != DEVICE_ANY;

	if (rule->major == DEVICE_ANY && both && !minor) {
		add(program, reckon(BPF_MOV, MATCH, true));
		return;
	}
	if (rule->major != DEVICE_ANY && !both && minor) {
		add_device(program, rule);
		minor = false;
	} else if (rule->major != DEVICE_ANY) {
		add_difference(program, MATCH, both ? MAJOR : DRIVER,
			       both ? (uint32_t)rule->major : driver_of(rule));
	} else if (!both) {
		add_difference(program, MATCH, TYPE, type_of(rule));
	} else {
		add_difference(program, MATCH, MINOR, (uint32_t)rule->minor);
		minor = false;
	}
	if (minor) {
		add_difference(program, MORE, MINOR, (uint32_t)rule->minor);
		add(program, combine(BPF_OR, MATCH, MORE));
	}
	add_is_zero(program, MATCH);
}

/* The same for devices of one driver, whose minor numbers are the set's bits. */
static void add_match_of_group(struct program *program, const struct device_rule *rule,
			       uint32_t set)
{
	add_difference(program, MATCH, DRIVER, driver_of(rule));
	add(program, combine(BPF_MOV, MORE, MINOR));
	add(program, reckon(BPF_RSH, MORE, GROUP_BITS));
	add(program, combine(BPF_OR, MATCH, MORE));
	add_is_zero(program, MATCH);
	/* By more than 63 the kernel shifts by the rest; then MATCH is 0. */
	add(program,
	    (struct bpf_insn){.code = BPF_ALU | BPF_MOV | BPF_K, .dst_reg = MORE, .imm = (int)set});
	add(program, combine(BPF_RSH, MORE, MINOR));
	add(program, combine(BPF_AND, MATCH, MORE));
}

/* What is done with an access that a rule speaks of. */
static void add_body(struct program *program, const struct device_rule *rule)
{
	if (rule->allow) {
		add(program, reckon(BPF_SUB, MATCH, 1)); /* all bits of a device that it is not */
		if (rule->access != ACCESS_ALL)
			add(program, reckon(BPF_OR, MATCH, ~rule->access));
		add(program, combine(BPF_AND, LEFT, MATCH));
	} else {
		add(program, (struct bpf_insn){.code = BPF_ALU64 | BPF_NEG, .dst_reg = MATCH});
		add(program, reckon(BPF_AND, MATCH, rule->access));
		add(program, combine(BPF_AND, MATCH, LEFT));
		add(program, combine(BPF_OR, DENIED, MATCH));
	}
}

static bool is_device(const struct device_rule *rule)
{
	return (rule->major == DEVICE_ANY || rule->major >> MAJOR_BITS == 0) &&
	       (rule->minor == DEVICE_ANY || rule->minor >> MINOR_BITS == 0);
}

static bool can_be_grouped(const struct device_rule *rule)
{
	return rule->type != 'a' && rule->major != DEVICE_ANY && rule->minor != DEVICE_ANY &&
	       rule->minor >> GROUP_BITS == 0;
}

static bool is_of_group(const struct device_rule *rule, const struct device_rule *last)
{
	return can_be_grouped(rule) && rule->allow == last->allow && rule->type == last->type &&
	       rule->major == last->major && rule->access == last->access;
}

/* The rule, with those before it that do the same with devices of the same driver; returns how many they are. */
static size_t add_rules(struct program *program, const struct device_rule *rules, size_t count)
{
	const struct device_rule *last = &rules[count - 1];
	size_t taken = 1;
	uint32_t set;

	if (!is_device(last))
		return 1;
	if (can_be_grouped(last)) {
		set = UINT32_C(1) << last->minor;
		for (; taken < count && is_of_group(last - taken, last); taken++)
			set |= UINT32_C(1) << (last - taken)->minor;
	}
	if (taken > 1)
		add_match_of_group(program, last, set);
	else
		add_match(program, last);
	add_body(program, last);
	return taken;
}

size_t devices_program_size(const struct device_rules *list)
{
	return HEAD_LENGTH + list->count * RULE_LENGTH + TAIL_LENGTH;
}

size_t devices_program(const struct device_rules *list, struct bpf_insn *code)
{
	struct program program = {.code = code};

	add_head(&program);
	for (size_t left = list->count; left > 0;)
		left -= add_rules(&program, list->rules, left);
	if (!list->all)
		add(&program, combine(BPF_OR, DENIED, LEFT));
	add_is_zero(&program, DENIED);
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
	static struct bpf_insn usual[USUAL_LENGTH] LARGE;
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
