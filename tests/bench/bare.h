/* What a program without C library needs: system calls, where it begins, a few words on standard error.  x86-64. */
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

/* The compiler calls these by itself. */
__attribute__((weak)) void *memcpy(void *to, const void *from, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((volatile char *)to)[i] = ((const char *)from)[i];
	return to;
}

__attribute__((weak)) void *memset(void *to, int value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((volatile char *)to)[i] = (char)value;
	return to;
}

static inline size_t length(const char *text)
{
	size_t count = 0;

	while (text[count])
		count++;
	return count;
}

static inline void say(const char *text)
{
	call(SYS_write, 2, address(text), (long)length(text));
}

static inline void say_number(long number)
{
	char text[24], *at = text + sizeof(text) - 1;

	*at = '\0';
	do
		*--at = (char)('0' + number % 10);
	while (number /= 10);
	say(at);
}

static inline long number_in(const char *text)
{
	long number = 0;

	while (*text)
		number = number * 10 + *text++ - '0';
	return number;
}

_Noreturn static inline void end(long status)
{
	for (;;)
		call(SYS_exit_group, status);
}

/* The result, unless it is an error. */
static inline long must(const char *what, long result)
{
	if (result >= 0)
		return result;
	say("floor: ");
	say(what);
	say(": errno ");
	say_number(-result);
	say("\n");
	end(99);
}
