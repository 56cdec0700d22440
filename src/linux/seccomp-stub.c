#include "linux/seccomp-stub.h"

#include <errno.h>
#include <linux/seccomp.h>

size_t seccomp_stub(const struct seccomp_limit *limits, size_t count,
		    struct sock_filter stub[SECCOMP_STUB_MOST])
{
	size_t length = 1 + 6 * count;
	struct sock_filter *next = stub;

	if (count == 0)
		return 0;
	*next++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					       offsetof(struct seccomp_data, arch));
	for (size_t i = 0; i < count; i++) {
		const struct sock_filter block[] = {
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, limits[i].architecture, 0, 5),
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
			BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, SECCOMP_X32_BIT, 1, 0),
			BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, limits[i].newest, 1, 0),
			BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)(length - (1 + 6 * i + 5))),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		};

		for (size_t j = 0; j < sizeof(block) / sizeof(block[0]); j++)
			*next++ = block[j];
	}
	return length;
}
