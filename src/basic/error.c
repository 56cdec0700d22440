#include "basic/error.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void error_reason(int code, char reason[ERROR_REASON_SIZE])
{
	snprintf(reason, ERROR_REASON_SIZE, "%s", strerror(code));
	if (islower((unsigned char)reason[1]))
		reason[0] = (char)tolower((unsigned char)reason[0]);
}

static void append_reason(struct error *err)
{
	size_t used = strlen(err->text);
	char reason[ERROR_REASON_SIZE];

	error_reason(err->code, reason);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", reason);
}

int error_errno(struct error *err, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	/* So that a long path cannot push the reason out. */
	vsnprintf(err->text, sizeof(err->text) - ERROR_REASON_SIZE, format, args);
	va_end(args);
	err->code = code;
	err->hint[0] = '\0';
	append_reason(err);
	return -code;
}

int error_config(struct error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	err->code = EINVAL;
	err->hint[0] = '\0';
	return -EINVAL;
}

int error_in(struct error *err, const char *format, ...)
{
	char inner[ERROR_TEXT_SIZE];
	va_list args;
	size_t used;

	memcpy(inner, err->text, sizeof(inner));
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", inner);
	return -err->code;
}

int error_hint(struct error *err, const char *format, ...)
{
	va_list args;

	if (err->hint[0] == '\0') {
		va_start(args, format);
		vsnprintf(err->hint, sizeof(err->hint), format, args);
		va_end(args);
	}
	return -err->code;
}
