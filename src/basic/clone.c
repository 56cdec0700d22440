#include "basic/clone.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "basic/large.h"
#include "basic/syscalls.h"

#ifndef __has_feature
#define __has_feature(feature) 0 /* clang's */
#endif

#if defined(__x86_64__) && defined(__LP64__) && !defined(__SANITIZE_ADDRESS__) && \
	!__has_feature(address_sanitizer)

enum {
	STACK_SIZE = 128 * 1024,
	LONGEST_DEATH = 1, /* second */
	WORKS = 1,	   /* what the kernel makes 0 when the child leaves the memory */
};

const bool clone_can_lend = true;

/* Pages of it come when they are touched. */
static char stack[STACK_SIZE] LARGE __attribute__((aligned(64)));

/* The child has no frame to return to. */
static long clone_on_stack(struct clone_args *args, void (*work)(void *context), void *context)
{
	long r;

	__asm__ volatile("mov %[work], %%r12\n\t"
			 "mov %[context], %%r13\n\t"
			 "syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "mov %%r13, %%rdi\n\t"
			 "call *%%r12\n\t"
			 "ud2\n"
			 "1:"
			 : "=a"(r)
			 : "a"((long)SYS_clone3), "D"(args),
			   "S"(sizeof(*args)), [work] "r"(work), [context] "r"(context)
			 : "rcx", "r11", "r12", "r13", "memory");
	return r;
}

/* Without the C library, whose errno is the child's as long as that is at work. */
static long wait_on(atomic_int *state, const struct timespec *end)
{
	register const struct timespec *until __asm__("r10") = end;
	register long unused __asm__("r8") = 0;
	register long any __asm__("r9") = FUTEX_BITSET_MATCH_ANY;
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"((long)SYS_futex), "D"(state), "S"((long)FUTEX_WAIT_BITSET),
			   "d"((long)WORKS), "r"(until), "r"(unused), "r"(any)
			 : "rcx", "r11", "memory");
	return r;
}

/* Returns whether the child has left the memory. */
static bool wait_for_it(atomic_int *state, int seconds)
{
	struct timespec end;

	if (seconds) {
		clock_gettime(CLOCK_MONOTONIC, &end);
		end.tv_sec += seconds;
	}
	while (atomic_load(state) == WORKS)
		if (wait_on(state, seconds ? &end : NULL) == -ETIMEDOUT)
			return atomic_load(state) != WORKS;
	return true;
}

pid_t clone_lending(const struct clone_args *args, void (*work)(void *context), void *context,
		    int patience)
{
	atomic_int state = WORKS;
	struct clone_args own = *args;
	long r;

	own.flags |= CLONE_VM | CLONE_CHILD_CLEARTID;
	own.child_tid = (uint64_t)(uintptr_t)&state;
	own.stack = (uint64_t)(uintptr_t)stack;
	own.stack_size = sizeof(stack);
	r = clone_on_stack(&own, work, context);
	if (r > 0 && !wait_for_it(&state, patience)) {
		kill((pid_t)r, SIGKILL);
		/* Where it cannot die it will: before another instruction of it is executed. */
		wait_for_it(&state, LONGEST_DEATH);
		r = -ETIME;
	}
	if (r > 0)
		return (pid_t)r;
	errno = (int)-r;
	return -1;
}

#else

const bool clone_can_lend = false;

pid_t clone_lending(const struct clone_args *args, void (*work)(void *context), void *context,
		    int patience)
{
	(void)args;
	(void)work;
	(void)context;
	(void)patience;
	errno = ENOSYS;
	return -1;
}

#endif
