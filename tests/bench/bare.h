/* What a program without C library needs: system calls, and where it begins.  x86-64. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

static inline long call6(long number, const long *arguments)
{
	register long fourth __asm__("r10") = arguments[3];
	register long fifth __asm__("r8") = arguments[4];
	register long sixth __asm__("r9") = arguments[5];
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(arguments[0]), "S"(arguments[1]), "d"(arguments[2]),
			   "r"(fourth), "r"(fifth), "r"(sixth)
			 : "rcx", "r11", "memory");
	return result;
}

/* call(SYS_read, fd, buffer, size): the result, or a negative errno */
#define call(number, ...) call6(number, (const long[6]){__VA_ARGS__})
#define address(pointer)  ((long)(uintptr_t)(pointer))

/* Where a program begins, with what execve(2) leaves on the stack: the number of arguments, and they. */
_Noreturn void begin(const long *stack);

__asm__(".globl _start\n"
	"_start: mov %rsp, %rdi\n"
	"and $-16, %rsp\n"
	"call begin\n");
