/*
 * What proa-systemd says to systemd, and what it hears when that fails: see bus.h.
 *
 *	https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.systemd1.html
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "systemd/bus.h"

/* -- properties --------------------------------------------------------------------------------- */

static int append_bytes(sd_bus_message *message, const char *hexadecimal)
{
	size_t length = strlen(hexadecimal) / 2;
	uint8_t bytes[1024];

	if (length > sizeof(bytes))
		return -E2BIG;
	for (size_t i = 0; i < length; i++)
		if (sscanf(hexadecimal + 2 * i, "%2hhx", &bytes[i]) != 1)
			return -EPROTO;
	return sd_bus_message_append_array(message, 'y', bytes, length);
}

static int append_basic(sd_bus_message *message, char type, const char *word)
{
	uint64_t number;

	if (!word)
		return -EPROTO;
	if (type == 's')
		return sd_bus_message_append(message, "s", word);
	if (!request_parse_number(word, UINT64_MAX, &number))
		return -EPROTO;
	switch (type) {
	case 'b':
		return sd_bus_message_append(message, "b", number != 0);
	case 'i':
		return sd_bus_message_append(message, "i", (int32_t)number);
	case 'u':
		return sd_bus_message_append(message, "u", (uint32_t)number);
	case 't':
		return sd_bus_message_append(message, "t", number);
	default:
		return -EPROTO;
	}
}

/* "au", "as": one word for each element; "a(ss)", "a(st)": two. */
static int append_array(sd_bus_message *message, const struct request_head *head,
			struct request_reader *values)
{
	bool pairs = head->type[1] == '(';
	char element[8];
	int r;

	snprintf(element, sizeof(element), "%s", head->type + 1);
	r = sd_bus_message_open_container(message, 'a', element);
	for (size_t i = 0; r >= 0 && i < head->count; i += pairs ? 2 : 1) {
		const char *first = request_next(values), *second;

		if (!pairs) {
			r = append_basic(message, element[0], first);
			continue;
		}
		second = request_next(values);
		r = sd_bus_message_open_container(message, 'r', element[2] == 's' ? "ss" : "st");
		if (r >= 0)
			r = append_basic(message, 's', first);
		if (r >= 0)
			r = append_basic(message, element[2], second);
		if (r >= 0)
			r = sd_bus_message_close_container(message);
	}
	return r < 0 ? r : sd_bus_message_close_container(message);
}

static int append_value(sd_bus_message *message, const struct request_head *head,
			struct request_reader *values)
{
	static const char *const types[] = {"b", "i", "s", "t", "ay", "as", "au", "a(ss)", "a(st)"};
	const char *word;
	bool known = false;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		known = known || strcmp(types[i], head->type) == 0;
	if (!known)
		return -EPROTO;
	if (head->type[0] == 'a' && head->type[1] != 'y')
		return append_array(message, head, values);
	word = request_next(values);
	if (head->count != 1 || !word)
		return -EPROTO;
	return head->type[0] == 'a' ? append_bytes(message, word)
				    : append_basic(message, head->type[0], word);
}

static int append_property(sd_bus_message *message, const struct request_head *head,
			   struct request_reader *values)
{
	int r = sd_bus_message_open_container(message, 'r', "sv");

	if (r >= 0)
		r = sd_bus_message_append(message, "s", head->name);
	if (r >= 0)
		r = sd_bus_message_open_container(message, 'v', head->type);
	if (r >= 0)
		r = append_value(message, head, values);
	if (r >= 0)
		r = sd_bus_message_close_container(message);
	return r < 0 ? r : sd_bus_message_close_container(message);
}

/* Whether name stands in the text as a word of its own. */
static bool has_word(const char *text, const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t length = strlen(name);

	for (const char *at = text; (at = strstr(at, name)); at += length)
		if ((at == text || !strchr(letters, at[-1])) &&
		    (at[length] == '\0' || !strchr(letters, at[length])))
			return true;
	return false;
}

int append_properties(sd_bus_message *message, const struct unit *unit)
{
	struct request_reader reader = unit->properties;
	struct request_head head;
	int r, more;

	r = sd_bus_message_open_container(message, 'a', "(sv)");
	while (r >= 0 && (more = request_next_property(&reader, &head)) != 0) {
		if (more < 0)
			return more;
		if (!has_word(unit->answer->dropped, head.name)) {
			r = append_property(message, &head, &reader);
			continue;
		}
		for (size_t i = 0; i < head.count; i++)
			request_next(&reader);
	}
	return r < 0 ? r : sd_bus_message_close_container(message);
}

bool drop_property(const sd_bus_error *error, const struct unit *unit)
{
	struct request_reader reader = unit->properties;
	char *dropped = unit->answer->dropped;
	size_t used = strlen(dropped);
	struct request_head head;

	if (!sd_bus_error_has_name(error, SD_BUS_ERROR_PROPERTY_READ_ONLY) &&
	    !sd_bus_error_has_name(error, SD_BUS_ERROR_UNKNOWN_PROPERTY))
		return false;
	while (request_next_property(&reader, &head) == 1) {
		for (size_t i = 0; i < head.count; i++)
			request_next(&reader);
		if (strcmp(head.need, NEED_MAY) != 0 || !has_word(error->message, head.name) ||
		    has_word(dropped, head.name) ||
		    used + strlen(head.name) + 2 > sizeof(unit->answer->dropped))
			continue;
		snprintf(dropped + used, sizeof(unit->answer->dropped) - used, "%s%s",
			 used ? " " : "", head.name);
		return true;
	}
	return false;
}

/* -- errors ------------------------------------------------------------------------------------- */

/* Engines look for these in what a runtime says, and take them for something about the program. */
static bool misleads(const char *text)
{
	return strcasestr(text, "permission denied") || strcasestr(text, "no such file") ||
	       strcasestr(text, "operation not permitted") || strcasestr(text, "not found");
}

int explain_refusal(const char *doing, const struct unit *unit, const sd_bus_error *error, int r)
{
	struct error *err = &unit->answer->err;

	if (r == -ETIMEDOUT || r == -ETIME || sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) ||
	    sd_bus_error_has_name(error, SD_BUS_ERROR_TIMEOUT)) {
		error_config(err, "%s %s: no answer within %d s", doing, unit->name,
			     SYSTEMD_MILLISECONDS / 1000);
		return error_hint(err, "\"systemctl list-jobs\" shows what systemd is busy with");
	}
	/* The second is the library's own, when the connection breaks. */
	if (!sd_bus_error_is_set(error) ||
	    strncmp(error->name, "System.Error.", strlen("System.Error.")) == 0)
		return error_errno(err, -r, "%s %s", doing, unit->name);
	if (sd_bus_error_has_name(error, SD_BUS_ERROR_ACCESS_DENIED) ||
	    sd_bus_error_has_name(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED))
		return error_config(err, "%s %s: systemd does not let uid %u do it", doing,
				    unit->name, (unsigned int)geteuid());
	if (sd_bus_error_has_name(error, "org.freedesktop.systemd1.UnitExists")) {
		error_config(err, "%s %s: systemd has a unit of this name already", doing,
			     unit->name);
		return error_hint(err, "it is another's: choose another linux.cgroupsPath, or stop "
				       "it with \"systemctl stop\"");
	}
	if (sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
	    sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER)) {
		error_config(err, "%s %s: there is no systemd on this bus", doing, unit->name);
		return error_hint(err, "use --cgroup-manager cgroupfs");
	}
	return error_config(err, "%s %s: %s", doing, unit->name,
			    error->message && !misleads(error->message) ? error->message
									: error->name);
}
