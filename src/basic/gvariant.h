/*
 * Values as they are written for D-Bus: true, 'text', uint64 5, ['a', 'b'], @as [].
 *
 *	https://docs.gtk.org/glib/gvariant-text-format.html
 *	https://dbus.freedesktop.org/doc/dbus-specification.html#type-system
 *
 * That is how engines write the properties of a systemd unit.  Of the text format there is here what those
 * need: booleans, numbers, strings, and arrays, tuples, dictionaries and variants of them.  There are no
 * object paths, signatures, bytestrings and maybes.  In an array the first element decides the type of those
 * that follow it: [uint32 1, 2] is fine, [1, uint32 2] is not.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "basic/arena.h"

enum {
	GVARIANT_MOST_DEPTH = 16,    /* of values in one another */
	GVARIANT_LONGEST_TYPE = 255, /* as D-Bus has it, for a signature */
};

struct gvariant {
	/* D-Bus's letter: y b n q i u x t h d s, or v, a, ( for a tuple, { for an entry of a
	 * dictionary, which is an array of them */
	char type;
	const char *signature; /* the whole type: "a{sv}" */
	union {
		bool boolean;	    /* b */
		int64_t integer;    /* n i x h */
		uint64_t natural;   /* y q u t */
		double real;	    /* d */
		const char *string; /* s */
	};
	struct gvariant
		*items; /* the first of what is in an array, a tuple, an entry or a variant */
	struct gvariant *next; /* the one after it in the same */
};

/* Parses text, which is UTF-8 as all that comes from config.json, and makes the value in the arena.  The
 * error tells at which byte what was expected. */
int gvariant_parse(const char *text, struct arena *arena, struct gvariant **value,
		   struct error *err);
