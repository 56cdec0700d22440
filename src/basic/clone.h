/*
 * A child that works in its parent's memory until it executes a program: clone(2) with CLONE_VM.
 *
 * Most of what a fork(2) costs is the copy: of the tables of all pages, and of each page that either side writes
 * to before the child throws everything away.  vfork(2) would do, but for its wait, which only a fatal signal ends.
 *
 *	clone(2), set_tid_address(2), futex(2)
 */
#pragma once

#include <linux/sched.h>
#include <stdbool.h>
#include <sys/types.h>

/* Whether this build can do it: x86-64, without sanitizers, to which the child's stack would be nobody's. */
extern const bool clone_can_lend;

/*
 * Makes a child by clone3(2) that runs work(context) on a stack of its own, and waits until that has executed a
 * program or ended; patience is in seconds, 0: for as long as it takes.  What does not begin in time, as one whose
 * cgroup is frozen, is killed.
 *
 * Until then the child may use what the parent has, but for what belongs to a process: descriptors are copies, so
 * none that it opens may be kept in a static variable; and it may not change who it is, because the kernel keeps
 * with the memory who may look into it (proc(5), prctl(2) PR_SET_DUMPABLE).  When the kernel kills one of them
 * for lack of memory it kills both.
 *
 * Returns the child's pid, or -1 with errno, as clone3(2); ETIME: too slow.
 */
pid_t clone_lending(const struct clone_args *args, void (*work)(void *context), void *context,
		    int patience);
