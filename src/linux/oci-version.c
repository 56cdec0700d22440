/*
 * ociVersion: which version of the specification config.json is written for.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#specification-version
 *	https://semver.org/spec/v2.0.0.html
 *
 * Within a major version the specification only adds, and tells runtimes to ignore what they do not
 * know: so every 1.x.y is accepted, newer ones too, and nothing else.
 */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "linux/section.h"

/* Steps over a number, which has no leading zeros. */
static bool skip_number(const char **text)
{
	const char *start = *text;

	while (isdigit((unsigned char)**text))
		(*text)++;
	return *text > start && (*start != '0' || *text == start + 1);
}

static bool skip_dot(const char **text)
{
	return *(*text)++ == '.';
}

/* "-rc.1", "+dev", or nothing. */
static bool is_suffix(const char *text)
{
	if (*text == '\0')
		return true;
	if ((*text != '-' && *text != '+') || text[1] == '\0')
		return false;
	for (text++; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr(".-+", *text))
			return false;
	return true;
}

static bool is_version(const char *text)
{
	return skip_number(&text) && skip_dot(&text) && skip_number(&text) && skip_dot(&text) &&
	       skip_number(&text) && is_suffix(text);
}

static int oci_version_validate(const struct oci_config *config, struct error *err)
{
	const char *version = config->oci_version;

	if (!is_version(version)) {
		error_config(err, "ociVersion: \"%s\" is not a version", version);
		return error_hint(err, "it has the form 1.2.0");
	}
	if (strncmp(version, "1.", 2) == 0)
		return 0;
	error_config(err, "ociVersion: version %s of the specification is not supported", version);
	return error_hint(err, "the versions 1.x.y are");
}

const struct section section_oci_version = {
	.path = "ociVersion",
	.validate = oci_version_validate,
};
