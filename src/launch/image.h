/* The program proa-init: as bytes, and what it is called. */
#pragma once

/* The name of the program that waits in a created container, as the kernel tells it. */
#define INIT_NAME "proa:init"

extern const char init_image[] __attribute__((visibility("hidden")));
extern const unsigned int init_image_size __attribute__((visibility("hidden")));
