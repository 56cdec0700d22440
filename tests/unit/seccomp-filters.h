/*
 * Profiles, and what both filters say of them: ours and libseccomp's.
 *
 * A profile is put together in "made" by begin(), add() and when(); compare_filters() compiles it both ways and
 * runs both filters on calls of all its architectures, and of others, with arguments around the values
 * that its rules compare with.  As a third opinion the rules themselves are looked at; of a profile that
 * contradicts itself, where libseccomp has no opinion of its own, it is the second.
 */
#pragma once

#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>

#include "basic/log.h"
#include "bpf.h"
#include "linux/seccomp-calls.h"
#include "linux/seccomp-tree.h"
#include "seccomp-library.h"
#include "unit.h"

enum { MOST_RULES = 2100, MOST_VALUES = 512, NUMBERS = 7000, DRAWS = 100 };

static struct error err;
static struct sock_filter room[BPF_MAXINSNS];
static struct sock_filter library_room[MOST_INSTRUCTIONS];
static size_t library_len; /* 0: it is not asked */

/* -- a profile that grows ---------------------------------------------------------------------- */

static struct {
	struct oci_seccomp seccomp;
	struct oci_syscall rules[MOST_RULES];
	struct oci_syscall_arg args[MOST_RULES][6];
	const char *names[MOST_RULES][2];
	const char *architectures[32];
	uint64_t values[MOST_VALUES]; /* what arguments are compared with, and what is near */
	size_t values_len;
} made;

static void begin(const char *default_action, const char *const architectures[])
{
	memset(&made, 0, sizeof(made));
	made.seccomp.default_action = default_action;
	made.seccomp.architectures = made.architectures;
	made.seccomp.syscalls = made.rules;
	for (size_t i = 0; architectures && architectures[i]; i++)
		made.architectures[made.seccomp.architectures_len++] = architectures[i];
	for (uint64_t value = 0; value < 26; value++)
		made.values[made.values_len++] = value;
	made.values[made.values_len++] = UINT32_MAX;
	made.values[made.values_len++] = UINT64_MAX;
}

static void add_value(uint64_t value)
{
	const uint64_t near[] = {value - 1, value, value + 1, value ^ 1u << 31,
				 value ^ UINT64_C(1) << 32};

	for (size_t i = 0; i < 5 && made.values_len < MOST_VALUES; i++)
		made.values[made.values_len++] = near[i];
}

static struct oci_syscall *add(const char *name, const char *action)
{
	size_t at = made.seccomp.syscalls_len++;

	ck_assert_uint_lt(at, MOST_RULES);
	made.names[at][0] = name;
	made.rules[at] = (struct oci_syscall){
		.names = made.names[at],
		.names_len = 1,
		.action = action,
		.args = made.args[at],
	};
	return &made.rules[at];
}

static inline struct oci_syscall *when(struct oci_syscall *rule, uint32_t index, const char *op,
				       uint64_t value)
{
	rule->args[rule->args_len++] = (struct oci_syscall_arg){
		.index = index,
		.op = op,
		.value = value,
	};
	add_value(value);
	return rule;
}

/* -- what the profile says --------------------------------------------------------------------- */

static struct seccomp_profile profile;
static int newest[SECCOMP_MOST_ARCHITECTURES];

static bool condition_holds(const struct oci_syscall_arg *arg, uint64_t argument, bool wide)
{
	const uint64_t width = wide ? UINT64_MAX : UINT32_MAX;
	const uint64_t value = arg->value & width, a = argument & width;

	if (strcmp(arg->op, "SCMP_CMP_NE") == 0)
		return a != value;
	if (strcmp(arg->op, "SCMP_CMP_LT") == 0)
		return a < value;
	if (strcmp(arg->op, "SCMP_CMP_LE") == 0)
		return a <= value;
	if (strcmp(arg->op, "SCMP_CMP_EQ") == 0)
		return a == value;
	if (strcmp(arg->op, "SCMP_CMP_GE") == 0)
		return a >= value;
	if (strcmp(arg->op, "SCMP_CMP_GT") == 0)
		return a > value;
	return (a & value) == (arg->value_two & value);
}

static bool always_holds(const struct oci_syscall_arg *arg, bool wide)
{
	return strcmp(arg->op, "SCMP_CMP_MASKED_EQ") == 0 &&
	       (wide ? arg->value : (uint32_t)arg->value) == 0;
}

/* How a rule is meant for a number: not at all, by itself, or for a part of it. */
enum meaning { NOT_MEANT = -2, ITSELF = -1 };

static int meaning(const struct oci_syscall *rule, uint32_t architecture, int number,
		   const char *name)
{
	int resolved = seccomp_syscall_resolve_name_arch(architecture, rule->names[0]);

	if ((resolved >= 0 && resolved == number) || (name && strcmp(name, rule->names[0]) == 0))
		return ITSELF;
	if (resolved <= -100 && resolved > -10000 &&
	    seccomp_syscall_resolve_name_rewrite(architecture, rule->names[0]) == number)
		return -resolved % 100;
	return NOT_MEANT;
}

/* Whether a rule applies to the arguments; NULL: whatever they are. */
static bool applies(const struct oci_syscall *rule, int part, bool wide, const uint64_t *args)
{
	size_t holding = 0;

	if (part != ITSELF &&
	    (!args || (args[0] & (wide ? UINT64_MAX : UINT32_MAX)) != (uint64_t)part))
		return false;
	for (size_t i = 0; i < rule->args_len; i++)
		holding +=
			(part != ITSELF && rule->args[i].index == 0) ||
			always_holds(&rule->args[i], wide) ||
			(args && condition_holds(&rule->args[i], args[rule->args[i].index], wide));
	return seccomp_rule_is_any(rule) ? holding > 0 : holding == rule->args_len;
}

/* The first rule that applies whatever the arguments are, otherwise the most restrictive that applies. */
static uint32_t rules_on(uint32_t architecture, int number, const uint64_t *args)
{
	const bool wide = (architecture & __AUDIT_ARCH_64BIT) &&
			  !(architecture & __AUDIT_ARCH_CONVENTION_MIPS64_N32);
	char *name = seccomp_syscall_resolve_num_arch(architecture, number);
	uint32_t verdict = profile.default_action;
	bool found = false;

	for (size_t i = 0; i < 2 * made.seccomp.syscalls_len; i++) {
		const bool second = i >= made.seccomp.syscalls_len;
		const struct oci_syscall *rule = &made.rules[i % made.seccomp.syscalls_len];
		const int part = meaning(rule, architecture, number, name);
		const uint32_t action = seccomp_rule_action(rule);

		if (part == NOT_MEANT || action == profile.default_action ||
		    !applies(rule, part, wide, second ? args : NULL))
			continue;
		if (!found || (int32_t)(action & SECCOMP_RET_ACTION_FULL) <
				      (int32_t)(verdict & SECCOMP_RET_ACTION_FULL))
			verdict = action;
		found = true;
		if (!second)
			break;
	}
	free(name);
	return verdict;
}

static uint32_t architecture_of(const struct seccomp_data *data)
{
	if (data->arch == AUDIT_ARCH_X86_64 && (uint32_t)data->nr >= SECCOMP_X32_BIT)
		return SCMP_ARCH_X32;
	return data->arch;
}

static bool is_newer(uint32_t architecture, uint32_t number)
{
	if (architecture == SCMP_ARCH_X32 || !seccomp_profile_refuses_newer(&profile))
		return false;
	for (size_t i = 0; i < profile.architectures_len; i++)
		if (profile.architectures[i] == architecture && newest[i] >= 0)
			return number > (uint32_t)newest[i] && number < SECCOMP_X32_BIT;
	return false;
}

static uint32_t verdict_on(const struct seccomp_data *data)
{
	const uint32_t architecture = architecture_of(data);
	uint64_t args[6];

	for (size_t i = 0; i < 6; i++)
		args[i] = data->args[i];
	if (!seccomp_profile_has(&profile, architecture))
		return architecture == SCMP_ARCH_X32 && data->nr == -1 ? profile.default_action
								       : SECCOMP_RET_KILL_THREAD;
	if (is_newer(architecture, (uint32_t)data->nr))
		return SECCOMP_RET_ERRNO | ENOSYS;
	return rules_on(architecture, data->nr, args);
}

/* The number of a call, or of the part that has become one, or of what it is a part of. */
static int number_of(uint32_t architecture, const char *wanted)
{
	int found = seccomp_syscall_resolve_name_arch(architecture, wanted);

	if (found > -100 || found <= -10000)
		return found;
	/* The last one: libseccomp takes the numbers of MIPS without their 4000, too. */
	for (int number = 0; number < NUMBERS; number++) {
		char *name = seccomp_syscall_resolve_num_arch(architecture, number);

		if (name && strcmp(name, wanted) == 0)
			found = number;
		free(name);
	}
	return found > -100 ? found : seccomp_syscall_resolve_name_rewrite(architecture, wanted);
}

static void find_newest(void)
{
	for (size_t i = 0; i < profile.architectures_len; i++) {
		newest[i] = -1;
		for (size_t j = 0; j < made.seccomp.syscalls_len; j++) {
			int number = number_of(profile.architectures[i], made.names[j][0]);

			newest[i] = number > newest[i] ? number : newest[i];
		}
	}
}

/* -- comparing --------------------------------------------------------------------------------- */

static unsigned long compared, misread;

/* What it was about, when it fails. */
static void print_profile(void)
{
	printf("default %s", made.seccomp.default_action);
	for (size_t i = 0; i < made.seccomp.architectures_len; i++)
		printf(" %s", made.architectures[i]);
	for (size_t i = 0; i < made.seccomp.syscalls_len; i++) {
		printf("\n\t%s: %s (%u)", made.names[i][0], made.rules[i].action,
		       made.rules[i].errno_ret);
		for (size_t j = 0; j < made.rules[i].args_len; j++)
			printf(" %u %s %#llx %#llx", made.args[i][j].index, made.args[i][j].op,
			       (unsigned long long)made.args[i][j].value,
			       (unsigned long long)made.args[i][j].value_two);
	}
	printf("\n");
	fflush(stdout);
}

/*
 * Whether libseccomp may misread the rules on this call: where several compare the order of an argument's 64
 * bits, version 2.5.4 takes the low word for the high one in all but the first.  What its own
 * seccomp_export_pfc(3) prints is right, and is what we do.
 */
static bool may_misread(uint32_t architecture, int number)
{
	char *name = seccomp_syscall_resolve_num_arch(architecture, number);
	size_t orders = 0;

	for (size_t i = 0; i < made.seccomp.syscalls_len; i++)
		for (size_t j = 0; j < made.rules[i].args_len; j++)
			if (meaning(&made.rules[i], architecture, number, name) != NOT_MEANT)
				orders += made.args[i][j].op[9] == 'L' ||
					  made.args[i][j].op[9] == 'G';
	free(name);
	return orders > 1;
}

static void compare(const struct program *program, const struct seccomp_data *data)
{
	const uint32_t ours = bpf_run(room + BPF_MAXINSNS - program->len, program->len, data);
	const uint32_t meant = verdict_on(data);
	const bool asked = library_len && !is_newer(architecture_of(data), (uint32_t)data->nr);
	const uint32_t library = asked ? bpf_run(library_room, library_len, data) : meant;

	compared++;
	if (ours == library && ours == meant)
		return;
	if (ours == meant && may_misread(architecture_of(data), data->nr)) {
		misread++;
		return;
	}
	print_profile();
	ck_abort_msg("architecture %#x, call %#x (%llx, %llx, %llx, %llx, %llx, %llx): %#x, but "
		     "libseccomp says %#x, the profile %#x",
		     data->arch, (unsigned int)data->nr, data->args[0], data->args[1],
		     data->args[2], data->args[3], data->args[4], data->args[5], ours, library,
		     meant);
}

static uint64_t seed = 1;

static uint32_t draw(uint32_t limit)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(seed >> 33) % limit;
}

/* Whether a rule looks at the call's arguments, or libseccomp does for a rule about a part of it. */
static bool looks_at_arguments(const char *name)
{
	if (strcmp(name, "socketcall") == 0 || strcmp(name, "ipc") == 0)
		return true;
	for (size_t i = 0; i < made.seccomp.syscalls_len; i++)
		if (made.rules[i].args_len > 0 && strcmp(made.rules[i].names[0], name) == 0)
			return true;
	return false;
}

static void compare_arguments(const struct program *program, struct seccomp_data *data)
{
	for (size_t i = 0; i < 6; i++)
		for (size_t j = 0; j < made.values_len; j++) {
			data->args[i] = made.values[j];
			compare(program, data);
		}
	for (size_t i = 0; i < DRAWS; i++) {
		for (size_t j = 0; j < 6; j++)
			data->args[j] = made.values[draw((uint32_t)made.values_len)];
		compare(program, data);
	}
}

static void compare_number(const struct program *program, uint32_t architecture, uint32_t number)
{
	char *name = seccomp_syscall_resolve_num_arch(architecture, (int)number);
	struct seccomp_data data = {
		.arch = architecture == SCMP_ARCH_X32 ? AUDIT_ARCH_X86_64 : architecture,
		.nr = (int)number,
	};

	compare(program, &data);
	if (name && looks_at_arguments(name))
		compare_arguments(program, &data);
	free(name);
}

/* Every number that the architecture has, all around, and what is far off. */
static void compare_architecture(const struct program *program, uint32_t architecture)
{
	static const uint32_t far[] = {0xf0000,	   0xf0001,    0xf0002,	   0xf0005,    0xfffff,
				       0x100000,   0x3fffffff, 0x7fffffff, 0x80000000, 0x80000001,
				       0xbfffffff, 0xc0000000, 0xfffffffe, 0xffffffff};
	const uint32_t bit = architecture == SCMP_ARCH_X32 ? SECCOMP_X32_BIT : 0;
	const uint32_t begin_at = (architecture & 0xffff) == EM_MIPS ? 3900 : 0;
	const uint32_t end_at = begin_at ? NUMBERS : 1100;

	for (uint32_t number = begin_at; number < end_at; number++)
		compare_number(program, architecture, number | bit);
	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++)
		compare_number(program, architecture, far[i]);
}

/* The tables of names and numbers are those of the library that proa was built with. */
static bool is_another_library(void)
{
	const struct scmp_version *here = seccomp_version();

	if (here->major == SCMP_VER_MAJOR && here->minor == SCMP_VER_MINOR &&
	    here->micro == SCMP_VER_MICRO)
		return false;
	printf("skipped: libseccomp is %u.%u.%u here, and was %d.%d.%d where this was built\n",
	       here->major, here->minor, here->micro, SCMP_VER_MAJOR, SCMP_VER_MINOR,
	       SCMP_VER_MICRO);
	return true;
}

static unsigned int warnings;

static void count_warning(enum log_level level, const char *message, void *context)
{
	(void)message, (void)context;
	warnings += level == LOG_LEVEL_WARNING;
}

/* Makes our filter of the profile, at the end of room; counts warnings. */
static int make_program(struct program *program)
{
	struct arena arena;
	int r;

	*program = (struct program){.room = room};
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	warnings = 0;
	ck_assert_msg(seccomp_profile_read(&profile, &made.seccomp, &err) == 0, "%s", err.text);
	log_set_level(LOG_LEVEL_WARNING);
	log_set_sink(count_warning, NULL);
	r = seccomp_tree(&profile, program, &arena, &err);
	log_set_sink(NULL, NULL);
	arena_release(&arena);
	return r;
}

/* Whether libseccomp was asked, too. */
static bool compare_filters(void)
{
	static const uint32_t foreign[] = {AUDIT_ARCH_S390X, AUDIT_ARCH_SPARC, AUDIT_ARCH_ALPHA, 0,
					   UINT32_MAX};
	struct program program;

	ck_assert_msg(make_program(&program) == 0, "%s", err.text);
	library_len = warnings ? 0 : filter_by_library(&profile, library_room);
	find_newest();
	for (size_t i = 0; i < profile.architectures_len; i++)
		compare_architecture(&program, profile.architectures[i]);
	/* What x32 would have, where it is not in the profile. */
	compare_architecture(&program, SCMP_ARCH_X32);
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		compare_number(&program, foreign[i], 1);
	return library_len;
}
