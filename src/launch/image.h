/* The program proa-init, as bytes. */
#pragma once

extern const char init_image[] __attribute__((visibility("hidden")));
extern const unsigned int init_image_size __attribute__((visibility("hidden")));
