#include "libocispec/number.h"

#include <string.h>

/* Copies the low bytes of value, in this machine's byte order. */
static void store(uint64_t value, size_t size, void *member)
{
	const uint16_t half = (uint16_t)value;
	const uint32_t word = (uint32_t)value;

	if (size == sizeof(half))
		memcpy(member, &half, sizeof(half));
	else if (size == sizeof(word))
		memcpy(member, &word, sizeof(word));
	else
		memcpy(member, &value, sizeof(value));
}

static uint64_t load(const void *member, size_t size)
{
	uint64_t value;
	uint32_t word;
	uint16_t half;

	if (size == sizeof(half)) {
		memcpy(&half, member, sizeof(half));
		return half;
	}
	if (size == sizeof(word)) {
		memcpy(&word, member, sizeof(word));
		return word;
	}
	memcpy(&value, member, sizeof(value));
	return value;
}

bool oci_number_read(const struct oci_number *number, const char *text, size_t length, void *member)
{
	const char *end = text + length;
	bool negative = *text == '-';
	uint64_t value = 0;

	for (text += negative; text < end; text++) {
		if (*text < '0' || *text > '9')
			return false;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return false;
	}
	/* -(x + 1) cannot overflow, -x can. */
	if (negative && value > 0 &&
	    (number->min == 0 || value - 1 > (uint64_t) - (number->min + 1)))
		return false;
	if (!negative &&
	    (value > number->max || (number->min > 0 && value < (uint64_t)number->min)))
		return false;
	store(negative ? -value : value, number->size, member);
	return true;
}

size_t oci_number_write(const struct oci_number *number, const void *member,
			char text[static NUMBER_TEXT_SIZE])
{
	uint64_t value = load(member, number->size);
	/* The member's highest bit is its sign. */
	uint64_t sign = number->min < 0 ? UINT64_C(1) << (8 * number->size - 1) : 0;
	bool negative = (value & sign) != 0;
	char digits[NUMBER_TEXT_SIZE];
	size_t first = sizeof(digits);

	if (negative)
		value = sign - (value ^ sign);
	do {
		digits[--first] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	if (negative)
		digits[--first] = '-';
	memcpy(text, digits + first, sizeof(digits) - first);
	return sizeof(digits) - first;
}
