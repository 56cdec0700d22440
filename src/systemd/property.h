/*
 * The properties that annotations give to a container's systemd unit:
 *
 *	"org.systemd.property.TimeoutStopUSec": "uint64 90000000"
 *	"org.systemd.property.CollectMode": "'inactive-or-failed'"
 *
 * A name that ends in "Sec", but not in "USec", is a time in seconds, which systemd only has in
 * microseconds: "TimeoutStopSec": "90" says the same as the first.
 */
#pragma once

#include "basic/gvariant.h"
#include "libocispec/types.h"

#define SYSTEMD_PROPERTY "org.systemd.property."

struct systemd_property {
	const char *name; /* "TimeoutStopUSec" */
	struct gvariant *value;
};

struct request;

/* Whether an annotation is one. */
bool systemd_property_is(const struct oci_pair *annotation);

/* Parses the annotation, which is one; name and value lie in the arena. */
int systemd_property_parse(const struct oci_pair *annotation, struct arena *arena,
			   struct systemd_property *property, struct error *err);

/* Adds what the annotations set to a request, and refuses a property that is not on the list of those that
 * cannot do harm. */
int systemd_properties_add(const struct oci_pair *annotations, size_t count, struct arena *arena,
			   struct request *request, struct error *err);
