/*
 * linux.seccomp: a profile made of the bytes is compiled, and the filter run on system calls made of the
 * bytes; its verdict is compared with what the specification says of the profile, which is evaluated here
 * rule by rule.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#seccomp
 *	seccomp(2), seccomp_rule_add(3)
 *
 * Where rules contradict each other, linux/seccomp-tree.c says which of them counts.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
/* Check's own assertions work only in a test that Check runs. */
#include <check.h>
#undef ck_assert_uint_le
#undef ck_assert_uint_eq
#undef ck_abort_msg
#define ck_assert_uint_le(one, other) EXPECT((one) <= (other))
#define ck_assert_uint_eq(one, other) EXPECT((one) == (other))
#define ck_abort_msg(...)	      fuzz_fail(__FILE__, __LINE__, "the filter can be run")
#include "../unit/bpf.h"
#include "libocispec/encode.h"
#include "linux/seccomp-compile.h"
#include "linux/section.h"

#define X32_BIT	    0x40000000u
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

enum { MOST_RULES = 8, MOST_NAMES = 3, MOST_ARGS = 4, CALLS = 24 };

/* "teleport" is none; the last are parts of socketcall(2) and ipc(2) on i386, which are there, too. */
static const char *const names[] = {
	"read",	  "write",    "openat",	 "close",  "mkdir", "clone",  "personality",  "dup2",
	"ioctl",  "unshare",  "statx",	 "clone3", "prctl", "mount",  "time",	      "waitpid",
	"open",	  "teleport", "futex",	 "execve", "exit",  "getpid", "fstat64",      "arch_prctl",
	"llseek", "mmap2",    "ptrace",	 "setns",  "bpf",   "stat",   "rt_sigreturn", "socketcall",
	"ipc",	  "connect",  "accept4", "semop",
};

static const char *const actions[] = {
	"SCMP_ACT_ALLOW",	 "SCMP_ACT_ERRNO",	 "SCMP_ACT_KILL",
	"SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG",
	"SCMP_ACT_TRACE",	 "SCMP_ACT_TRAP",	 "SCMP_ACT_NOTIFY",
};
static const uint32_t verdicts[] = {
	SECCOMP_RET_ALLOW,	  SECCOMP_RET_ERRNO,	   SECCOMP_RET_KILL_THREAD,
	SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_LOG,
	SECCOMP_RET_TRACE,	  SECCOMP_RET_TRAP,	   SECCOMP_RET_USER_NOTIF,
};
static const char *const operators[] = {
	"SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE",	    "SCMP_CMP_EQ",
	"SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ",
};

/* Each with the others that its machines run programs of: they are in the filter, too. */
static const struct architecture {
	const char *name;
	uint32_t token, audit;
	unsigned int family; /* bits of this table */
	bool narrow;	     /* arguments are of 32 bits */
} architectures[] = {
	{"SCMP_ARCH_X86_64", SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64, 7, false},
	{"SCMP_ARCH_X86", SCMP_ARCH_X86, AUDIT_ARCH_I386, 2, true},
	{"SCMP_ARCH_X32", SCMP_ARCH_X32, AUDIT_ARCH_X86_64, 4, true},
	{"SCMP_ARCH_AARCH64", SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64, 24, false},
	{"SCMP_ARCH_ARM", SCMP_ARCH_ARM, AUDIT_ARCH_ARM, 16, true},
};

struct profile {
	struct oci_seccomp seccomp;
	struct oci_syscall rules[MOST_RULES];
	struct oci_syscall_arg args[MOST_RULES][MOST_ARGS];
	const char *names[MOST_RULES][MOST_NAMES + 1];
	const char *architectures[COUNT(architectures) + 1];
	unsigned int listed; /* bits of the table */
};

/* -- from bytes -------------------------------------------------------------------------------- */

static const char *take_action(struct input *input, bool *has_number, uint32_t *number)
{
	uint8_t choice = input_byte(input);
	const char *action = actions[choice % COUNT(actions)];
	uint32_t verdict = verdicts[choice % COUNT(actions)];

	*has_number =
		choice & 0x80 && (verdict == SECCOMP_RET_ERRNO || verdict == SECCOMP_RET_TRACE);
	*number = *has_number ? input_byte(input) % 64 : 0;
	return action;
}

/* Small numbers, so that calls and conditions meet, and those around the edge of 32 bits. */
static uint64_t take_value(struct input *input)
{
	static const uint64_t values[] = {
		0,
		1,
		2,
		3,
		0x7fffffff,
		0x80000000,
		UINT32_MAX,
		UINT64_C(1) << 32,
		(UINT64_C(1) << 32) + 1,
		UINT64_C(3) << 32,
		UINT64_MAX - 1,
		UINT64_MAX,
		0x7e020000,
		UINT64_C(0xff00000000),
		UINT64_C(1) << 63,
		16,
	};
	uint8_t choice = input_byte(input);

	return choice < 0xe0 ? values[choice % COUNT(values)] : input_number(input, 8);
}

static void take_rule(struct input *input, struct profile *profile)
{
	size_t index = profile->seccomp.syscalls_len++;
	struct oci_syscall *rule = &profile->rules[index];
	uint8_t shape = input_byte(input);

	*rule = (struct oci_syscall){.names = profile->names[index], .args = profile->args[index]};
	rule->action = take_action(input, &rule->has_errno_ret, &rule->errno_ret);
	rule->names_len = 1 + (shape & 3) % MOST_NAMES;
	for (size_t i = 0; i < rule->names_len; i++)
		rule->names[i] = names[input_byte(input) % COUNT(names)];
	rule->args_len = (shape >> 2 & 7) % (MOST_ARGS + 1);
	for (size_t i = 0; i < rule->args_len; i++) {
		uint8_t choice = input_byte(input);

		rule->args[i] = (struct oci_syscall_arg){
			.index = (choice >> 3) % 6,
			.op = operators[(choice & 7) % COUNT(operators)],
			.value = take_value(input),
			.value_two = take_value(input),
		};
	}
}

static void take_profile(struct input *input, struct profile *profile)
{
	unsigned int listed = input_byte(input);
	size_t rules = input_byte(input) % (MOST_RULES + 1);
	struct oci_seccomp *seccomp = &profile->seccomp;

	*profile = (struct profile){.listed = 1};
	*seccomp = (struct oci_seccomp){.architectures = profile->architectures,
					.syscalls = profile->rules};
	seccomp->default_action =
		take_action(input, &seccomp->has_default_errno_ret, &seccomp->default_errno_ret);
	for (size_t i = 0; i < COUNT(architectures); i++)
		if (listed >> i & 1) {
			seccomp->architectures[seccomp->architectures_len++] =
				architectures[i].name;
			profile->listed |= architectures[i].family;
		}
	while (seccomp->syscalls_len < rules)
		take_rule(input, profile);
}

/* -- numbers, as libseccomp has them ------------------------------------------------------------ */

/* The numbers of names[] on each architecture; of a part, that of the whole, and the whole's first argument. */
static struct number {
	int itself, whole; /* or below 0 */
	uint64_t part;
} numbers[COUNT(architectures)][COUNT(names)];

/* libseccomp tells no number of a call that can be a part of another one. */
static int find_number(uint32_t architecture, const char *wanted)
{
	for (int number = 0; number < 1000; number++) {
		char *name = seccomp_syscall_resolve_num_arch(architecture, number);
		bool found = name && strcmp(name, wanted) == 0;

		free(name);
		if (found)
			return number;
	}
	return -1;
}

static void find_numbers(void)
{
	for (size_t i = 0; i < COUNT(architectures); i++)
		for (size_t j = 0; j < COUNT(names); j++) {
			const uint32_t token = architectures[i].token;
			struct number *number = &numbers[i][j];

			number->itself = seccomp_syscall_resolve_name_arch(token, names[j]);
			number->whole = -1;
			if (number->itself > -100 || number->itself <= -10000)
				continue;
			number->part = (uint64_t)-number->itself % 100;
			number->whole = seccomp_syscall_resolve_name_rewrite(token, names[j]);
			number->itself = find_number(token, names[j]);
		}
}

static const struct number *number_of(size_t architecture, const char *name)
{
	size_t i = 0;

	while (names[i] != name)
		i++;
	return &numbers[architecture][i];
}

/* -- what the profile says ---------------------------------------------------------------------- */

static bool holds(const struct oci_syscall_arg *arg, uint64_t argument, uint64_t width)
{
	const uint64_t value = arg->value & width, a = argument & width;

	switch (arg->op[strlen("SCMP_CMP_")]) {
	case 'N':
		return a != value;
	case 'L':
		return arg->op[strlen("SCMP_CMP_L")] == 'T' ? a < value : a <= value;
	case 'G':
		return arg->op[strlen("SCMP_CMP_G")] == 'T' ? a > value : a >= value;
	case 'M':
		return (a & value) == (arg->value_two & value);
	default:
		return a == value;
	}
}

static bool always_holds(const struct oci_syscall_arg *arg, uint64_t width)
{
	return arg->op[strlen("SCMP_CMP_")] == 'M' && (arg->value & width) == 0;
}

/* How a rule applies to a call. */
enum { NEVER, NOT_NOW, NOW, ALWAYS };

/* All conditions must hold; but where two are on one argument, any of all of them is enough.  What is said of the
 * first argument of a part says nothing, as the whole has another one there. */
static int applies(const struct oci_syscall *rule, const uint64_t args[6], uint64_t width,
		   uint64_t part)
{
	bool all = true, any = rule->args_len == 0, twice = false;
	bool always = true, sometimes = rule->args_len == 0;

	for (size_t i = 0; i < rule->args_len; i++) {
		const struct oci_syscall_arg *arg = &rule->args[i];
		bool vain = (part && arg->index == 0) || always_holds(arg, width);
		bool one = vain || holds(arg, args[arg->index], width);

		all = all && one;
		any = any || one;
		always = always && vain;
		sometimes = sometimes || vain;
		for (size_t j = 0; j < i; j++)
			twice = twice || arg->index == rule->args[j].index;
	}
	if (part)
		return (args[0] & width) == part && (twice ? any : all) ? NOW : NOT_NOW;
	if (twice ? sometimes : always)
		return ALWAYS;
	return (twice ? any : all) ? NOW : NOT_NOW;
}

static uint32_t full_verdict(const char *action, bool has_number, uint32_t number)
{
	uint32_t verdict = 0;

	for (size_t i = 0; i < COUNT(actions); i++)
		if (strcmp(actions[i], action) == 0)
			verdict = verdicts[i];
	if (verdict == SECCOMP_RET_ERRNO || verdict == SECCOMP_RET_TRACE)
		verdict |= has_number ? number : EPERM;
	return verdict;
}

/* A call that is newer than all that the profile names is one that does not exist, where the default would
 * refuse it. */
static bool is_newer(const struct profile *profile, size_t which, uint32_t number, uint32_t verdict)
{
	const uint32_t action = verdict & SECCOMP_RET_ACTION_FULL;
	int newest = -1;

	if (action != SECCOMP_RET_ERRNO && action != SECCOMP_RET_KILL_THREAD &&
	    action != SECCOMP_RET_KILL_PROCESS)
		return false;
	if (architectures[which].token == SCMP_ARCH_X32)
		return false;
	for (size_t i = 0; i < profile->seccomp.syscalls_len; i++)
		for (size_t j = 0; j < profile->rules[i].names_len; j++) {
			const struct number *known = number_of(which, profile->names[i][j]);

			newest = known->itself > newest ? known->itself : newest;
			newest = known->whole > newest ? known->whole : newest;
		}
	return newest >= 0 && number > (uint32_t)newest;
}

/* How a rule applies to the call by one of its names. */
static int applies_to(const struct oci_syscall *rule, const char *name, size_t which,
		      const struct seccomp_data *call)
{
	const struct number *number = number_of(which, name);
	const uint64_t width = architectures[which].narrow ? UINT32_MAX : UINT64_MAX;
	uint64_t args[6];

	memcpy(args, call->args, sizeof(args));
	if (number->itself >= 0 && number->itself == call->nr)
		return applies(rule, args, width, 0);
	if (number->whole >= 0 && number->whole == call->nr)
		return applies(rule, args, width, number->part);
	return NEVER;
}

/* The first rule that always applies, otherwise the most restrictive that does, of these the first.  Rules that
 * say what is so anyway count for nothing. */
static uint32_t find_verdict(const struct profile *profile, size_t which,
			     const struct seccomp_data *call)
{
	const struct oci_seccomp *seccomp = &profile->seccomp;
	const uint32_t otherwise =
		full_verdict(seccomp->default_action, seccomp->has_default_errno_ret,
			     seccomp->default_errno_ret);
	uint32_t verdict = otherwise;

	if (is_newer(profile, which, (uint32_t)call->nr, otherwise))
		return SECCOMP_RET_ERRNO | ENOSYS;
	for (size_t i = 0; i < seccomp->syscalls_len; i++) {
		const struct oci_syscall *rule = &profile->rules[i];
		uint32_t action = full_verdict(rule->action, rule->has_errno_ret, rule->errno_ret);
		int how = NEVER;

		for (size_t j = 0; j < rule->names_len; j++) {
			int this = applies_to(rule, rule->names[j], which, call);

			how = this > how ? this : how;
		}
		if (action == otherwise || how < NOW)
			continue;
		if (how == ALWAYS)
			return action;
		if (verdict == otherwise || (int32_t)(action & SECCOMP_RET_ACTION_FULL) <
						    (int32_t)(verdict & SECCOMP_RET_ACTION_FULL))
			verdict = action;
	}
	return verdict;
}

/* -- both -------------------------------------------------------------------------------------- */

/* What seccomp(2) would not load. */
static void expect_loadable(const struct sock_filter *filter, size_t length)
{
	EXPECT(length > 0 && length <= BPF_MAXINSNS);
	EXPECT(BPF_CLASS(filter[length - 1].code) == BPF_RET);
	for (size_t i = 0; i < length; i++) {
		const struct sock_filter *at = &filter[i];
		size_t left = length - i - 1;

		if (BPF_CLASS(at->code) == BPF_LD)
			EXPECT(at->code == (BPF_LD | BPF_W | BPF_ABS) && at->k % 4 == 0 &&
			       at->k < sizeof(struct seccomp_data));
		if (at->code == (BPF_JMP | BPF_JA))
			EXPECT(at->k < left);
		else if (BPF_CLASS(at->code) == BPF_JMP)
			EXPECT(at->jt < left && at->jf < left);
	}
}

static void take_call(struct input *input, size_t which, struct seccomp_data *call)
{
	const struct architecture *architecture = &architectures[which];
	uint8_t choice = input_byte(input);
	int known = numbers[which][choice % COUNT(names)].itself;

	*call = (struct seccomp_data){.arch = architecture->audit, .nr = known};
	if (choice >= 0xf0 || known < 0)
		call->nr = (int)input_number(input, 2);
	if (architecture->token == SCMP_ARCH_X32)
		call->nr |= (int)X32_BIT;
	for (size_t i = 0; i < 6; i++)
		call->args[i] = take_value(input);
}

/* For who looks into it: what was asked for, and what came out. */
static void describe(const struct profile *profile, const struct seccomp_data *call,
		     uint32_t verdict)
{
	struct arena arena;
	struct error err;

	if (arena_open_private(&arena, &err) < 0)
		return;
	fprintf(stderr, "%s\n",
		oci_encode(&oci_seccomp_object, &profile->seccomp, &arena, OCI_COMPACT));
	fprintf(stderr, "arch %#x nr %d args", call->arch, call->nr);
	for (size_t i = 0; i < 6; i++)
		fprintf(stderr, " %#llx", (unsigned long long)call->args[i]);
	fprintf(stderr, ": verdict %#x\n", verdict);
	arena_release(&arena);
}

static void compare(struct input *input, const struct profile *profile,
		    const struct seccomp_plan *plan)
{
	size_t which = input_byte(input) % COUNT(architectures);
	struct seccomp_data call;
	uint32_t verdict;

	take_call(input, which, &call);
	verdict = bpf_run(plan->filter, plan->filter_len, &call);
	if (!(profile->listed >> which & 1)) {
		EXPECT(verdict == SECCOMP_RET_KILL_THREAD || verdict == SECCOMP_RET_KILL_PROCESS);
		return;
	}
	if (verdict == find_verdict(profile, which, &call))
		return;
	describe(profile, &call, verdict);
	fuzz_fail(__FILE__, __LINE__, "the verdict is what the profile says");
}

static int attempt(struct input input, struct arena *arena, struct error *err)
{
	static struct profile profile;
	struct oci_linux properties = {.seccomp = &profile.seccomp};
	const struct oci_config config = {.oci_version = "1.2.0", .linux = &properties};
	struct container container = {.config = &config, .arena = arena};
	int r;

	take_profile(&input, &profile);
	EXPECT(section_seccomp.validate(&config, err) == 0);
	r = seccomp_compile(&container, err);
	EXPECT(r == 0 || r == -ENOMEM);
	if (r < 0)
		return r;
	expect_loadable(container.seccomp.filter, container.seccomp.filter_len);
	for (int i = 0; i < CALLS && input.size; i++)
		compare(&input, &profile, &container.seccomp);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (numbers[0][0].itself == numbers[0][1].itself)
		find_numbers();
	fuzz_with_arena(attempt, data, size);
	return 0;
}
