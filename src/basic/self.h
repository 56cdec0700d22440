/* What the calling process is: one read of /proc/self/status instead of a hundred system calls. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "basic/error.h"

/* Sets of capabilities: bit n is capability n.  proc(5), capabilities(7). */
struct self {
	uint64_t ignored; /* signals: bit n is signal n + 1 */
	uint64_t permitted, effective, bounding;
	uid_t uid; /* the effective ones */
	gid_t gid;
	bool own_pids; /* the procfs is that of the own pid namespace, and not of one above */
};

/* proc: the directory of a procfs. */
int self_read(int proc, struct self *self, struct error *err);
