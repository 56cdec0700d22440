/*
 * Compiles linux.seccomp, before the container is made.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#seccomp
 *
 * A system call that libseccomp does not know is passed by: profiles name calls of all architectures, and
 * newer ones; unless the annotation run.oci.seccomp_fail_unknown_syscall is set.  What is newer than the
 * whole profile is answered with ENOSYS, see linux/seccomp-profile.h.
 */
#include "linux/seccomp-compile.h"

#include <errno.h>
#include <linux/seccomp.h>

#include "basic/syscalls.h"
#include "linux/annotations.h"
#include "linux/seccomp-calls.h"
#include "linux/seccomp-names.h"
#include "linux/seccomp-raw.h"
#include "linux/seccomp-tree.h"

static int expect_all_known(const struct oci_seccomp *seccomp, struct error *err)
{
	for (size_t i = 0; i < seccomp->syscalls_len; i++) {
		const struct oci_syscall *rule = &seccomp->syscalls[i];

		for (size_t j = 0; j < rule->names_len; j++)
			if (seccomp_call_find(rule->names[j]) < 0)
				return error_config(err,
						    "linux.seccomp.syscalls[%zu].names[%zu]: "
						    "unknown system call \"%s\"",
						    i, j, rule->names[j]);
	}
	return 0;
}

/*
 * Whether the kernel takes a filter with these flags: it looks at them before it looks for the filter, which
 * is not there.  1 or 0; anything else that could be the answer is not the kernel's, or says that it has no
 * filters, and is an error before anything is made.  Init does not ask again: it inherits who answers, and
 * when the filter is loaded there may be no other call that is allowed.
 */
static int has_flags(unsigned int flags, struct error *err)
{
	int code = sys_seccomp(SECCOMP_SET_MODE_FILTER, flags, NULL) < 0 ? errno : 0;

	if (code == EFAULT)
		return 1;
	if (code == EINVAL && flags)
		return 0;
	if (code == EINVAL || code == ENOSYS)
		return error_config(err, "linux.seccomp: this kernel has no filters");
	error_config(err, "linux.seccomp: the kernel can't be asked for filters");
	return error_hint(err, "what proa runs in answers seccomp(2) in its place");
}

int seccomp_expect_flags(unsigned int flags, struct error *err)
{
	int r = has_flags(flags, err);

	if (r == 0)
		return error_config(err, "linux.seccomp: this kernel does not have all its flags");
	return r < 0 ? r : 0;
}

static int choose_listed(const struct oci_seccomp *seccomp, unsigned int base, unsigned int *flags,
			 struct error *err)
{
	int r;

	for (size_t i = 0; i < seccomp->flags_len; i++) {
		unsigned int flag =
			(unsigned int)name_find(seccomp_flags, seccomp->flags[i])->value;

		/* It is about listeners. */
		if (flag == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV && !base)
			continue;
		/* With a listener the kernel has another way to tell that it failed. */
		if (flag == SECCOMP_FILTER_FLAG_TSYNC && base)
			flag |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
		r = has_flags(base | flag, err);
		if (r < 0)
			return r;
		if (r == 0)
			return error_config(err, "linux.seccomp.flags[%zu]: this kernel has no %s",
					    i, seccomp->flags[i]);
		*flags |= flag;
	}
	return 0;
}

int seccomp_choose_flags(struct container *container, struct error *err)
{
	const struct oci_linux *properties = container->config->linux;
	const struct oci_seccomp *seccomp = properties ? properties->seccomp : NULL;
	struct seccomp_plan *plan = &container->seccomp;
	unsigned int base = plan->agent ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
	int r;

	if (!plan->filter)
		return 0;
	plan->flags = base;
	/* Without it each container pays for the mitigation of a processor's flaw that the filter's
	 * author did not ask for; the other runtimes do the same. */
	if (!seccomp || !seccomp->flags) {
		plan->flags |= SECCOMP_FILTER_FLAG_SPEC_ALLOW;
		r = has_flags(plan->flags, err);
		if (r != 0)
			return r < 0 ? r : 0;
		plan->flags = base;
	} else if (choose_listed(seccomp, base, &plan->flags, err) < 0) {
		return -err->code;
	}
	return seccomp_expect_flags(plan->flags, err);
}

static int compile(struct container *container, const struct oci_seccomp *seccomp,
		   struct error *err)
{
	struct program program = {
		.room = arena_alloc_apart(container->arena,
					  BPF_MAXINSNS * sizeof(struct sock_filter)),
	};
	struct seccomp_profile profile;

	if (!program.room)
		return arena_full(container->arena, err);
	if (seccomp_profile_read(&profile, seccomp, err) < 0)
		return -err->code;
	if (seccomp_tree(&profile, &program, container->arena, err) < 0)
		return error_in(err, "linux.seccomp");
	container->seccomp.filter = program.room + BPF_MAXINSNS - program.len;
	container->seccomp.filter_len = program.len;
	return 0;
}

int seccomp_compile(struct container *container, struct error *err)
{
	const struct oci_config *config = container->config;
	const struct oci_seccomp *seccomp = config->linux ? config->linux->seccomp : NULL;
	const char *raw = annotation_find(config, SECCOMP_RAW_ANNOTATION);

	if (raw)
		return seccomp_raw(container, raw, err);
	if (!seccomp)
		return 0;
	if (annotation_is_set(config, "run.oci.seccomp_fail_unknown_syscall") &&
	    expect_all_known(seccomp, err) < 0)
		return -err->code;
	return compile(container, seccomp, err);
}
