/*
 * The checked functions of _FORTIFY_SOURCE, which musl does not have: what basic/fortify.h makes of calls, and
 * what the static libraries of a distribution call, which were compiled with glibc's headers.
 *
 *	https://refspecs.linuxbase.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/libc---memcpy-chk-1.html
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#undef memcpy
#undef memmove
#undef memset
#undef strcpy
#undef strcat
#undef snprintf

void *__memcpy_chk(void *to, const void *from, size_t length, size_t room);
void *__memmove_chk(void *to, const void *from, size_t length, size_t room);
void *__memset_chk(void *to, int value, size_t length, size_t room);
char *__strcpy_chk(char *to, const char *from, size_t room);
char *__strcat_chk(char *to, const char *from, size_t room);
__attribute__((format(printf, 5, 6))) int __snprintf_chk(char *to, size_t size, int flag,
							 size_t room, const char *format, ...);
__attribute__((format(printf, 4, 5))) int __sprintf_chk(char *to, int flag, size_t room,
							const char *format, ...);
__attribute__((format(printf, 3, 4))) int __asprintf_chk(char **text, int flag, const char *format,
							 ...);

/* Nothing can be trusted any more, not even what would be needed to say so. */
static void need(size_t wanted, size_t room)
{
	if (wanted > room)
		__builtin_trap();
}

void *__memcpy_chk(void *to, const void *from, size_t length, size_t room)
{
	need(length, room);
	return memcpy(to, from, length);
}

void *__memmove_chk(void *to, const void *from, size_t length, size_t room)
{
	need(length, room);
	return memmove(to, from, length);
}

void *__memset_chk(void *to, int value, size_t length, size_t room)
{
	need(length, room);
	return memset(to, value, length);
}

char *__strcpy_chk(char *to, const char *from, size_t room)
{
	size_t length = strlen(from) + 1;

	need(length, room);
	return memcpy(to, from, length);
}

char *__strcat_chk(char *to, const char *from, size_t room)
{
	size_t used = strlen(to);

	need(used, room);
	__strcpy_chk(to + used, from, room - used);
	return to;
}

int __snprintf_chk(char *to, size_t size, int flag, size_t room, const char *format, ...)
{
	va_list arguments;
	int length;

	(void)flag;
	need(size, room);
	va_start(arguments, format);
	length = vsnprintf(to, size, format, arguments);
	va_end(arguments);
	return length;
}

int __sprintf_chk(char *to, int flag, size_t room, const char *format, ...)
{
	va_list arguments;
	int length;

	(void)flag;
	va_start(arguments, format);
	length = vsnprintf(to, room > INT32_MAX ? INT32_MAX : room, format, arguments);
	va_end(arguments);
	need(length < 0 ? 0 : (size_t)length + 1, room);
	return length;
}

int __asprintf_chk(char **text, int flag, const char *format, ...)
{
	va_list arguments;
	int length;

	(void)flag;
	va_start(arguments, format);
	length = vasprintf(text, format, arguments);
	va_end(arguments);
	return length;
}
