/* What the calling process is: one read of /proc/self/status instead of a hundred system calls. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "basic/error.h"

/* Sets of capabilities: bit n is capability n.  proc(5), capabilities(7). */
struct self {
	uint64_t ignored; /* signals: bit n is signal n + 1 */
	uint64_t permitted, effective, bounding;
	uid_t uid; /* the effective ones */
	gid_t gid;
	pid_t pid; /* as that procfs has it: not getpid() where it belongs to another pid namespace */
};

/* proc: the directory of a procfs. */
int self_read(int proc, struct self *self, struct error *err);
