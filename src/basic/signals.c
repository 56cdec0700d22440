#include "basic/signals.h"

#include <signal.h>
#include <stdint.h>

#include "basic/syscalls.h"

/* The kernel's, not a C library's: those keep some signals to themselves, and leave them as they were
 * inherited. */
enum {
	LAST_SIGNAL = 64,
	SET_SIZE = 8,
};

void signals_heed(uint64_t signals)
{
	/* struct sigaction of the kernel: all zero is SIG_DFL on every architecture. */
	static const uint64_t standard[8];

	for (long number = 1; number <= LAST_SIGNAL; number++)
		if (signals >> (number - 1) & 1)
			syscall(SYS_rt_sigaction, number, standard, NULL, SET_SIZE);
}

void signals_reset(uint64_t signals)
{
	static const uint64_t none;

	signals_heed(signals);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, SET_SIZE);
}
