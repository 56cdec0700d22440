/*
 * Which number a system call has on which architecture.
 *
 * The tables are made when proa is built, from libseccomp, by scripts/seccomp-calls: asking libseccomp for
 * some 400 names on three architectures takes as long as all the rest of making a filter, and it does not
 * tell what the parts of socketcall(2) and ipc(2) have become.  They hold no pointers, so that nothing has to
 * be relocated when proa starts.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* A call by its number, without what is the same for all calls of x32. */
struct seccomp_call {
	uint32_t number : 20;
	uint32_t name : 12; /* what seccomp_call_find() returns */
};

/* A call that can also be made as a part of another one. */
struct seccomp_part {
	uint16_t number; /* of the other */
	uint16_t name;
	uint8_t first; /* the other's first argument, not 0 */
};

struct seccomp_architecture_calls {
	char name[13];		   /* SCMP_ARCH_X86_64 is x86_64 */
	uint32_t architecture;	   /* libseccomp's SCMP_ARCH_* */
	uint16_t calls, calls_len; /* first and how many in seccomp_calls, by number */
	uint16_t parts, parts_len; /* the same in seccomp_parts */
};

extern const char seccomp_calls_version[]; /* of the libseccomp that they are from */
extern const struct seccomp_call seccomp_calls[];
extern const struct seccomp_part seccomp_parts[];

extern const size_t seccomp_architecture_calls_len;
extern const struct seccomp_architecture_calls seccomp_architecture_calls[];

/* All names.  They are of one size, and compared in a few words: a profile names hundreds of them. */
enum { SECCOMP_CALL_NAME_SIZE = 32 };

struct seccomp_call_name {
	_Alignas(8) char text[SECCOMP_CALL_NAME_SIZE];
};

extern const size_t seccomp_call_list_len;
extern const struct seccomp_call_name seccomp_call_list[];

/* For seccomp_call_find(): a hash table, whose slots hold a name + 1. */
extern const size_t seccomp_call_slots_len;
extern const uint16_t seccomp_call_slots[];

/* The name as a small number, the same on all architectures, or -1. */
int seccomp_call_find(const char *name);

/* NULL if the tables have nothing about it. */
const struct seccomp_architecture_calls *seccomp_calls_of(uint32_t architecture);
