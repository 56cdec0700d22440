/*
 * The annotation run.oci.seccomp_bpf_data: a filter that somebody else has compiled.
 *
 *	seccomp(2): an array of struct sock_filter, in base64
 *
 * It takes the place of what linux.seccomp says, but for the flags and the listener.  Whether it is sound
 * the kernel finds out when it is loaded; here it only has to be of a possible size.
 */
#include "linux/seccomp-raw.h"

#include <string.h>

#include "basic/base64.h"

int seccomp_raw(struct container *container, const char *text, struct error *err)
{
	struct seccomp_plan *plan = &container->seccomp;
	unsigned char *bytes = arena_alloc(container->arena, base64_room(text));
	ssize_t length;

	if (!bytes)
		return arena_full(container->arena, err);
	length = base64_decode(text, bytes);
	if (length < 0)
		return error_config(err, "annotations[\"%s\"]: it is not base64",
				    SECCOMP_RAW_ANNOTATION);
	if (length == 0 || (size_t)length % sizeof(*plan->filter))
		return error_config(err,
				    "annotations[\"%s\"]: %zd bytes are no whole number of "
				    "instructions, which have %zu each",
				    SECCOMP_RAW_ANNOTATION, length, sizeof(*plan->filter));
	if ((size_t)length / sizeof(*plan->filter) > BPF_MAXINSNS)
		return error_config(err,
				    "annotations[\"%s\"]: it has %zu instructions, but the kernel "
				    "takes %d",
				    SECCOMP_RAW_ANNOTATION, (size_t)length / sizeof(*plan->filter),
				    BPF_MAXINSNS);
	plan->filter = (struct sock_filter *)(void *)bytes;
	plan->filter_len = (size_t)length / sizeof(*plan->filter);
	return 0;
}
