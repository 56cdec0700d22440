/*
 * The program proa-init, carried inside proa: see launch/launch.c for why it is a program of its own.
 */
#include "launch/image.h"

/* Aligned as the copy's first page would be; read-only like all that is constant. */
__asm__(".pushsection .rodata\n"
	".balign 4096\n"
	".globl init_image\n"
	".hidden init_image\n"
	"init_image:\n"
	".incbin \"" IMAGE "\"\n"
	"init_image_end:\n"
	".balign 4\n"
	".globl init_image_size\n"
	".hidden init_image_size\n"
	"init_image_size:\n"
	".long init_image_end - init_image\n"
	".popsection\n");
