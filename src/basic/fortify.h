/*
 * What _FORTIFY_SOURCE does with glibc's headers, for the programs that are built with musl, whose headers have
 * none of it: who writes past the end of an object whose size the compiler knows is ended at once.
 *
 *	https://gcc.gnu.org/onlinedocs/gcc/Object-Size-Checking.html
 *
 * It is included before every file, by the compiler's -include.  Where the compiler can prove that there is
 * room, or does not know the object, it calls the plain function.
 */
#pragma once

#include <sched.h> /* declares memcpy() and memset(), too */
#include <stdio.h>
#include <string.h>

#define FORTIFY_ROOM(object) __builtin_object_size(object, 0)
#define FORTIFY_TEXT(object) __builtin_object_size(object, 1)

#define memcpy(to, from, length)  __builtin___memcpy_chk(to, from, length, FORTIFY_ROOM(to))
#define memmove(to, from, length) __builtin___memmove_chk(to, from, length, FORTIFY_ROOM(to))
#define memset(to, value, length) __builtin___memset_chk(to, value, length, FORTIFY_ROOM(to))
#define strcpy(to, from)	  __builtin___strcpy_chk(to, from, FORTIFY_TEXT(to))
#define strcat(to, from)	  __builtin___strcat_chk(to, from, FORTIFY_TEXT(to))
#define snprintf(to, size, ...)	  __builtin___snprintf_chk(to, size, 0, FORTIFY_TEXT(to), __VA_ARGS__)
