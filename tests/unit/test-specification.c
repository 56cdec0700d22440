/*
 * Whether the code knows the whole specification: goes through the tables that libocispec/generate makes of
 * the schema, from config.json's top down, and looks for who handles each property.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "launch/order.h"
#include "libocispec/types.h"
#include "unit.h"

static const struct section *const *const orders[] = {validate_order, prepare_order, attach_order};

/* Sections for what is no property of config.json. */
static const char *const no_properties[] = {"kernel mounts", "keyring"};

enum { ORDERS = sizeof(orders) / sizeof(orders[0]), LONGEST_PATH = 128 };

static bool has_section(const char *path)
{
	for (size_t i = 0; i < ORDERS; i++)
		for (const struct section *const *section = orders[i]; *section; section++)
			if (strcmp((*section)->path, path) == 0)
				return true;
	return false;
}

static bool is_elsewhere(const char *path)
{
	for (const struct elsewhere *row = handled_elsewhere; row->path; row++)
		if (strcmp(row->path, path) == 0)
			return true;
	return false;
}

/* A property's path is what leads to its object, a dot and its name. */
static void add_name(char path[LONGEST_PATH], const char *parent, const char *name)
{
	int length = snprintf(path, LONGEST_PATH, "%s%s%s", parent, parent[0] ? "." : "", name);

	ck_assert_int_lt(length, LONGEST_PATH);
}

/* Writes the first property of the object at path that nobody handles to missing, or "".  Who handles a
 * property handles all that is in it. */
static void find_missing(const struct oci_object *object, const char *path,
			 char missing[LONGEST_PATH])
{
	missing[0] = '\0';
	for (size_t i = 0; i < object->fields_len && !missing[0]; i++) {
		const struct oci_field *field = &oci_fields(object)[i];
		char below[LONGEST_PATH];

		add_name(below, path, field->name);
		if (has_section(below) || is_elsewhere(below))
			continue;
		if (field->kind == OCI_OBJECT && field->shape == OCI_ONE)
			find_missing(oci_object_of(field), below, missing);
		else
			memcpy(missing, below, sizeof(below));
	}
}

TEST(has_somebody_for_each_property)
{
	char missing[LONGEST_PATH];

	find_missing(&oci_config_object, "", missing);
	ck_assert_msg(!missing[0],
		      "config.json's %s has no section in a table of launch/order.c, and no row in "
		      "handled_elsewhere there",
		      missing);
}

/* A schema with a property that there is no section for, and one whose parent has one. */
TEST(would_notice_a_new_property)
{
	static const struct tables {
		struct oci_object config, process;
		struct oci_field fields[2], below[2];
	} tables = {
		.config = {.fields_at = (int32_t)offsetof(struct tables, fields), .fields_len = 2},
		.process = {.fields_at = (int32_t)offsetof(struct tables, below) -
					 (int32_t)offsetof(struct tables, process),
			    .fields_len = 2},
		.fields = {{.name = "root", .kind = OCI_OBJECT},
			   {.name = "process",
			    .kind = OCI_OBJECT,
			    .type_at = (int32_t)offsetof(struct tables, process) -
				       (int32_t)offsetof(struct tables, fields[1])}},
		.below = {{.name = "user"}, {.name = "tomorrow"}},
	};
	char missing[LONGEST_PATH];

	find_missing(&tables.config, "", missing);
	ck_assert_str_eq(missing, "process.tomorrow");
}

static const struct oci_field *find_field(const struct oci_object *object, const char *name,
					  size_t length)
{
	for (size_t i = 0; i < object->fields_len; i++)
		if (oci_fields(object)[i].name_length == length &&
		    memcmp(oci_fields(object)[i].name, name, length) == 0)
			return &oci_fields(object)[i];
	return NULL;
}

static bool is_property(const char *path)
{
	const struct oci_object *object = &oci_config_object;
	const struct oci_field *field = NULL;

	while (object) {
		size_t length = strcspn(path, ".");

		field = find_field(object, path, length);
		if (!field || path[length] == '\0')
			return field != NULL;
		path += length + 1;
		object = field->kind == OCI_OBJECT ? oci_object_of(field) : NULL;
	}
	return false;
}

static bool is_no_property(const char *path)
{
	for (size_t i = 0; i < sizeof(no_properties) / sizeof(no_properties[0]); i++)
		if (strcmp(no_properties[i], path) == 0)
			return true;
	return false;
}

TEST(has_no_section_for_what_the_specification_lacks)
{
	for (size_t i = 0; i < ORDERS; i++)
		for (const struct section *const *section = orders[i]; *section; section++)
			ck_assert_msg(is_property((*section)->path) ||
					      is_no_property((*section)->path),
				      "config.json has no %s", (*section)->path);
}

TEST(has_no_excuse_that_is_not_needed)
{
	for (const struct elsewhere *row = handled_elsewhere; row->path; row++) {
		ck_assert_msg(is_property(row->path), "config.json has no %s", row->path);
		ck_assert_msg(!has_section(row->path), "%s has a section", row->path);
		ck_assert_msg(row->by && row->by[0], "%s: nobody is named", row->path);
	}
}

RUN_TESTS("specification", has_somebody_for_each_property, would_notice_a_new_property,
	  has_no_section_for_what_the_specification_lacks, has_no_excuse_that_is_not_needed)
