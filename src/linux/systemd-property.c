/*
 * org.systemd.property.NAME: what engines want of a container's systemd unit.
 *
 *	https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.systemd1.html
 *
 * The values are checked with whichever cgroup manager there is, so that a mistake is told where it is made
 * and not on the first host that has a systemd.  Which names there are only systemd knows.
 */
#include "linux/systemd-property.h"

#include <errno.h>
#include <string.h>

enum { SHORTEST_NAME = 3 };

static const double two_to_the_64 = 18446744073709551616.0;

bool systemd_property_is(const struct oci_pair *annotation)
{
	return strncmp(annotation->key, SYSTEMD_PROPERTY, strlen(SYSTEMD_PROPERTY)) == 0;
}

static int check_name(const char *name, struct error *err)
{
	size_t letters = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	if (letters >= SHORTEST_NAME && name[letters] == '\0')
		return 0;
	return error_config(
		err, "\"%s\" is not a property's name: expected 3 or more ASCII letters", name);
}

static bool ends_in_sec(const char *name)
{
	size_t length = strlen(name);

	return length > 3 && strcmp(name + length - 3, "Sec") == 0 && name[length - 4] >= 'a' &&
	       name[length - 4] <= 'z';
}

/* The number of microseconds in a number of seconds of any type; false: it is none, or too many. */
static bool to_microseconds(const struct gvariant *seconds, uint64_t *microseconds)
{
	switch (seconds->type) {
	case 'd':
		/* written so that a number that is none is refused */
		if (!(seconds->real >= 0 && seconds->real * 1e6 < two_to_the_64))
			return false;
		*microseconds = (uint64_t)(seconds->real * 1e6);
		return true;
	case 'n':
	case 'i':
	case 'x':
		return seconds->integer >= 0 &&
		       !__builtin_mul_overflow((uint64_t)seconds->integer, UINT64_C(1000000),
					       microseconds);
	case 'y':
	case 'q':
	case 'u':
	case 't':
		return !__builtin_mul_overflow(seconds->natural, UINT64_C(1000000), microseconds);
	default:
		return false;
	}
}

static int convert_seconds(struct systemd_property *property, struct arena *arena,
			   struct error *err)
{
	int length = (int)strlen(property->name) - 3;
	struct gvariant *value = property->value;
	uint64_t microseconds = 0;

	if (!to_microseconds(value, &microseconds)) {
		error_config(err, "expected a number of seconds from 0 to %llu",
			     (unsigned long long)(UINT64_MAX / 1000000));
		return error_hint(err, "set %.*sUSec, which is in microseconds: uint64 5000000",
				  length, property->name);
	}
	*value = (struct gvariant){
		.type = 't',
		.signature = arena_copy(arena, "t", 1),
		.natural = microseconds,
	};
	property->name = arena_printf(arena, "%.*sUSec", length, property->name);
	return property->name && value->signature ? 0 : arena_full(arena, err);
}

int systemd_property_parse(const struct oci_pair *annotation, struct arena *arena,
			   struct systemd_property *property, struct error *err)
{
	const char *name = annotation->key + strlen(SYSTEMD_PROPERTY);
	int r = check_name(name, err);

	if (r < 0)
		return error_in(err, "annotations[\"%s\"]", annotation->key);
	property->name = arena_copy(arena, name, strlen(name));
	if (!property->name)
		return arena_full(arena, err);
	r = gvariant_parse(annotation->value, arena, &property->value, err);
	if (r == -EINVAL)
		error_hint(err,
			   "write the value as GVariant text: true, 'text', uint64 5, ['a', 'b']");
	if (r == 0 && ends_in_sec(name))
		r = convert_seconds(property, arena, err);
	return r < 0 ? error_in(err, "annotations[\"%s\"]", annotation->key) : 0;
}
