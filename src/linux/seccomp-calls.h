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
extern const size_t seccomp_call_names;	   /* how many there are */
extern const struct seccomp_call seccomp_calls[];
extern const struct seccomp_part seccomp_parts[];

extern const size_t seccomp_architecture_calls_len;
extern const struct seccomp_architecture_calls seccomp_architecture_calls[];

/* For seccomp_call_find(): a hash table, whose slots hold a name + 1, and the names themselves. */
extern const size_t seccomp_call_slots_len;
extern const uint16_t seccomp_call_slots[], seccomp_call_offsets[];
extern const char seccomp_call_pool[];

/* The name as a small number, the same on all architectures, or -1. */
int seccomp_call_find(const char *name);

/* NULL if the tables have nothing about it. */
const struct seccomp_architecture_calls *seccomp_calls_of(uint32_t architecture);
