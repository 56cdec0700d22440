#include "linux/seccomp-profile.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <strings.h>

#include "basic/log.h"
#include "linux/seccomp-calls.h"
#include "linux/seccomp-names.h"
#include "linux/seccomp-native.h"

/* An action, with the number that belongs to it. */
static uint32_t full_action(const char *action, bool has_number, uint32_t number)
{
	uint32_t value = (uint32_t)name_find(seccomp_actions, action)->value;

	if (value == SECCOMP_RET_ERRNO || value == SECCOMP_RET_TRACE)
		value |= has_number ? number : EPERM;
	return value;
}

uint32_t seccomp_rule_action(const struct oci_syscall *rule)
{
	return full_action(rule->action, rule->has_errno_ret, rule->errno_ret);
}

bool seccomp_rule_is_any(const struct oci_syscall *rule)
{
	unsigned int seen = 0;

	for (size_t i = 0; i < rule->args_len; i++) {
		if (seen & 1u << rule->args[i].index)
			return true;
		seen |= 1u << rule->args[i].index;
	}
	return false;
}

bool seccomp_profile_refuses_newer(const struct seccomp_profile *profile)
{
	switch (profile->default_action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ERRNO:
		return (profile->default_action & SECCOMP_RET_DATA) != ENOSYS;
	case SECCOMP_RET_KILL_THREAD:
	case SECCOMP_RET_KILL_PROCESS:
		return true;
	default:
		return false;
	}
}

/* -- architectures ----------------------------------------------------------------------------- */

/* Who can run a program of the first can run one of the others, and would be out of the filter's reach. */
static const struct {
	uint32_t architecture, others[2];
} families[] = {
	{SCMP_ARCH_X86_64, {SCMP_ARCH_X86, SCMP_ARCH_X32}},
	{SCMP_ARCH_AARCH64, {SCMP_ARCH_ARM, 0}},
	{SCMP_ARCH_MIPS64, {SCMP_ARCH_MIPS, SCMP_ARCH_MIPS64N32}},
	{SCMP_ARCH_MIPSEL64, {SCMP_ARCH_MIPSEL, SCMP_ARCH_MIPSEL64N32}},
	{SCMP_ARCH_PPC64, {SCMP_ARCH_PPC, 0}},
	{SCMP_ARCH_S390X, {SCMP_ARCH_S390, 0}},
};

bool seccomp_profile_has(const struct seccomp_profile *profile, uint32_t architecture)
{
	for (size_t i = 0; i < profile->architectures_len; i++)
		if (profile->architectures[i] == architecture)
			return true;
	return false;
}

static void add_architecture(struct seccomp_profile *profile, uint32_t architecture)
{
	if (architecture && !seccomp_profile_has(profile, architecture))
		profile->architectures[profile->architectures_len++] = architecture;
}

static int add_family(struct seccomp_profile *profile, uint32_t architecture, struct error *err)
{
	if ((architecture ^ profile->architectures[0]) & __AUDIT_ARCH_LE)
		return error_config(err, "its byte order is not this machine's");
	add_architecture(profile, architecture);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		if (families[i].architecture != architecture)
			continue;
		add_architecture(profile, families[i].others[0]);
		add_architecture(profile, families[i].others[1]);
	}
	return 0;
}

/* 0 if libseccomp does not know it, which then is not this machine's. */
static uint32_t find_architecture(const char *name)
{
	for (size_t i = 0; i < seccomp_architecture_calls_len; i++)
		if (strcasecmp(seccomp_architecture_calls[i].name, name + strlen("SCMP_ARCH_")) ==
		    0)
			return seccomp_architecture_calls[i].architecture;
	return 0;
}

int seccomp_profile_read(struct seccomp_profile *profile, const struct oci_seccomp *seccomp,
			 struct error *err)
{
	*profile = (struct seccomp_profile){
		.seccomp = seccomp,
		.default_action =
			full_action(seccomp->default_action, seccomp->has_default_errno_ret,
				    seccomp->default_errno_ret),
		.architectures = {SECCOMP_NATIVE_ARCHITECTURE},
		.architectures_len = 1,
	};
	if (!seccomp_calls_of(SECCOMP_NATIVE_ARCHITECTURE))
		return error_config(err,
				    "linux.seccomp: libseccomp %s, which the numbers of system "
				    "calls are from, does not know this machine's",
				    seccomp_calls_version);
	for (size_t i = 0; i < seccomp->architectures_len; i++) {
		uint32_t architecture = find_architecture(seccomp->architectures[i]);

		if (architecture == 0)
			log_debug("linux.seccomp.architectures: %s is not known to libseccomp",
				  seccomp->architectures[i]);
		else if (add_family(profile, architecture, err) < 0)
			return error_in(err, "linux.seccomp.architectures[%zu]", i);
	}
	return 0;
}
