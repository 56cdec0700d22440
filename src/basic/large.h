/*
 * For a static buffer of a page and more: it comes behind all other variables, which so lie on the page that each
 * command touches anyway, and not one here and one there between buffers.
 *
 *	static char text[LINES_SIZE] LARGE;
 *
 * The linker sorts sections by name (configure.ac).  One that cannot leaves all as it was.
 */
#pragma once

#define LARGE __attribute__((section(".bss.zz_large")))
