/*
 * org.systemd.property.NAME: what engines want of a container's systemd unit.
 *
 *	https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.systemd1.html
 *
 * The values are checked with whichever cgroup manager there is, so that a mistake is told where it is made
 * and not on the first host that has a systemd.
 *
 * Whoever may set annotations is not always whoever may do anything on the host: engines pass on those of
 * their users.  A unit's properties can run programs, start other units, lift limits, or put it elsewhere
 * (CVE-2024-3154).  So there is a list of those that only say how this unit ends, when it comes, or that it
 * gets less; what is not on it is refused.
 */
#include "systemd/property.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "systemd/request.h"

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

/* -- which may be set --------------------------------------------------------------------------- */

/* With their types on D-Bus; in the order of systemd's manual. */
static const struct allowed {
	const char *name, *type;
} allowed[] = {
	/* org.freedesktop.systemd1.Unit */
	{"Description", "s"},
	{"Documentation", "as"},
	{"After", "as"},
	{"Before", "as"},
	{"DefaultDependencies", "b"},
	{"CollectMode", "s"},
	/* Scope */
	{"TimeoutStopUSec", "t"},
	{"RuntimeMaxUSec", "t"},
	{"OOMPolicy", "s"},
	/* how it is killed */
	{"KillMode", "s"},
	{"KillSignal", "i"},
	{"FinalKillSignal", "i"},
	{"SendSIGHUP", "b"},
	{"SendSIGKILL", "b"},
	/* limits, which linux.resources overrides */
	{"MemoryHigh", "t"},
	{"MemoryMax", "t"},
	{"MemorySwapMax", "t"},
	{"MemoryZSwapMax", "t"},
	{"TasksMax", "t"},
	{"CPUQuotaPerSecUSec", "t"},
	{"CPUQuotaPeriodUSec", "t"},
	{"ManagedOOMSwap", "s"},
	{"ManagedOOMMemoryPressure", "s"},
};

static const struct allowed *find_allowed(const char *name)
{
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (strcmp(allowed[i].name, name) == 0)
			return &allowed[i];
	return NULL;
}

/* A whole number of any type, as engines do not always write which: KillSignal "15", TimeoutStopUSec
 * "90000000". */
static bool to_natural(const struct gvariant *value, uint64_t most, uint64_t *number)
{
	if (strchr("nix", value->type))
		*number = (uint64_t)value->integer;
	else if (strchr("yqut", value->type))
		*number = value->natural;
	else
		return false;
	return !(strchr("nix", value->type) && value->integer < 0) && *number <= most;
}

static int add_number(const struct allowed *row, const struct gvariant *value,
		      struct request *request, struct error *err)
{
	uint64_t most = row->type[0] == 'i' ? INT32_MAX : UINT64_MAX, number;

	if (!to_natural(value, most, &number))
		return error_config(err, "expected a number from 0 to %" PRIu64, most);
	request_property(request, NEED_MUST, row->name, row->type, 1);
	request_number(request, number);
	return 0;
}

static int add_list(const struct allowed *row, const struct gvariant *value,
		    struct request *request, struct error *err)
{
	size_t count = 0;

	if (strcmp(value->signature, "as") != 0)
		return error_config(err, "expected a list of texts: ['a', 'b']");
	for (const struct gvariant *item = value->items; item; item = item->next)
		count++;
	request_property(request, NEED_MUST, row->name, row->type, count);
	for (const struct gvariant *item = value->items; item; item = item->next)
		request_word(request, item->string);
	return 0;
}

static int add_property(const struct systemd_property *property, struct request *request,
			struct error *err)
{
	const struct allowed *row = find_allowed(property->name);
	const struct gvariant *value = property->value;

	if (!row) {
		error_config(err, "a container may not set this property");
		return error_hint(err, "the manual lists those that it may");
	}
	if (row->type[0] == 'i' || row->type[0] == 't')
		return add_number(row, value, request, err);
	if (row->type[0] == 'a')
		return add_list(row, value, request, err);
	if (value->type != row->type[0])
		return error_config(err, "expected %s",
				    row->type[0] == 'b' ? "true or false" : "a text: 'a'");
	if (value->type == 's')
		request_text(request, NEED_MUST, row->name, value->string);
	else
		request_flag(request, NEED_MUST, row->name, value->boolean);
	return 0;
}

int systemd_properties_add(const struct oci_pair *annotations, size_t count, struct arena *arena,
			   struct request *request, struct error *err)
{
	struct systemd_property property;

	for (size_t i = 0; i < count; i++) {
		if (!systemd_property_is(&annotations[i]))
			continue;
		if (systemd_property_parse(&annotations[i], arena, &property, err) < 0)
			return -err->code;
		if (add_property(&property, request, err) < 0)
			return error_in(err, "annotations[\"%s\"]", annotations[i].key);
	}
	return 0;
}
