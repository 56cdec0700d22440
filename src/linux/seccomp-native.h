/*
 * Which architecture proa is built for, in the kernel's words: what struct seccomp_data has for the calls of this
 * machine's programs.
 *
 *	seccomp(2), linux/audit.h
 */
#pragma once

#include <endian.h>
#include <linux/audit.h>

#if defined(__x86_64__) && !defined(__ILP32__)
#define SECCOMP_NATIVE_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__i386__)
#define SECCOMP_NATIVE_ARCHITECTURE AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define SECCOMP_NATIVE_ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define SECCOMP_NATIVE_ARCHITECTURE AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define SECCOMP_NATIVE_ARCHITECTURE AUDIT_ARCH_RISCV64
#elif defined(__loongarch64)
#define SECCOMP_NATIVE_ARCHITECTURE AUDIT_ARCH_LOONGARCH64
#elif defined(__powerpc64__) && __BYTE_ORDER == __LITTLE_ENDIAN
#define SECCOMP_NATIVE_ARCHITECTURE AUDIT_ARCH_PPC64LE
#elif defined(__powerpc64__)
#define SECCOMP_NATIVE_ARCHITECTURE AUDIT_ARCH_PPC64
#elif defined(__powerpc__)
#define SECCOMP_NATIVE_ARCHITECTURE AUDIT_ARCH_PPC
#elif defined(__s390x__)
#define SECCOMP_NATIVE_ARCHITECTURE AUDIT_ARCH_S390X
#elif defined(__s390__)
#define SECCOMP_NATIVE_ARCHITECTURE AUDIT_ARCH_S390
#elif defined(__mips__) && _MIPS_SIM == _ABI64 && __BYTE_ORDER == __LITTLE_ENDIAN
#define SECCOMP_NATIVE_ARCHITECTURE AUDIT_ARCH_MIPSEL64
#elif defined(__mips__) && _MIPS_SIM == _ABI64
#define SECCOMP_NATIVE_ARCHITECTURE AUDIT_ARCH_MIPS64
#elif defined(__mips__) && _MIPS_SIM == _ABIN32 && __BYTE_ORDER == __LITTLE_ENDIAN
#define SECCOMP_NATIVE_ARCHITECTURE AUDIT_ARCH_MIPSEL64N32
#elif defined(__mips__) && _MIPS_SIM == _ABIN32
#define SECCOMP_NATIVE_ARCHITECTURE AUDIT_ARCH_MIPS64N32
#elif defined(__mips__) && __BYTE_ORDER == __LITTLE_ENDIAN
#define SECCOMP_NATIVE_ARCHITECTURE AUDIT_ARCH_MIPSEL
#elif defined(__mips__)
#define SECCOMP_NATIVE_ARCHITECTURE AUDIT_ARCH_MIPS
#elif defined(__m68k__)
#define SECCOMP_NATIVE_ARCHITECTURE AUDIT_ARCH_M68K
#elif defined(__hppa__)
#define SECCOMP_NATIVE_ARCHITECTURE AUDIT_ARCH_PARISC
#elif defined(__sh__) && __BYTE_ORDER == __LITTLE_ENDIAN
#define SECCOMP_NATIVE_ARCHITECTURE AUDIT_ARCH_SHEL
#elif defined(__sh__)
#define SECCOMP_NATIVE_ARCHITECTURE AUDIT_ARCH_SH
#else
#error "which AUDIT_ARCH_ of linux/audit.h is it?"
#endif
