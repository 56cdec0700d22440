/*
 * Id maps, in the three forms that there are; the first byte says which:
 *
 *	m  linux.uidMappings: a line "INSIDE OUTSIDE SIZE" for each range
 *	l  the list behind the mount option idmap, whose "@" means ids of a container that has two ranges
 *	s  /etc/subuid
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "linux/id-mappings.h"
/* What is in it is static, and what is left to be linked is not needed. */
#include "linux/mount-idmap.c"
#include "linux/subordinate-ids.h"

/* -- m ----------------------------------------------------------------------------------------- */

enum { MOST = MOST_ID_RANGES + 2 };

static size_t read_ranges(const char *text, struct oci_id_mapping ranges[MOST])
{
	size_t count = 0;

	for (char *end; *text && count < MOST; count++) {
		struct oci_id_mapping *range = &ranges[count];

		range->container_id = (uint32_t)strtoul(text, &end, 10);
		range->host_id = (uint32_t)strtoul(end, &end, 10);
		range->size = (uint32_t)strtoul(end, &end, 10);
		text = end + strcspn(end, "\n");
		text += *text == '\n';
	}
	return count;
}

static bool overlap_anywhere(const struct oci_id_mapping *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++) {
			const struct oci_id_mapping *one = &ranges[i], *two = &ranges[j];
			uint32_t inside = one->container_id > two->container_id
						  ? one->container_id - two->container_id
						  : two->container_id - one->container_id;
			uint32_t lower =
				one->container_id > two->container_id ? two->size : one->size;

			if (inside < lower)
				return true;
			inside = one->host_id > two->host_id ? one->host_id - two->host_id
							     : two->host_id - one->host_id;
			lower = one->host_id > two->host_id ? two->size : one->size;
			if (inside < lower)
				return true;
		}
	return false;
}

/* Every range's first and last id means what the range says, and what is beside it is another's. */
static void expect_lookups(const struct oci_id_mapping *ranges, size_t count)
{
	static struct id_range plan[MOST];
	const struct id_map map = {.ranges = plan, .ranges_len = count};
	uint64_t sum = 0;
	uint32_t outside;

	for (size_t i = 0; i < count; i++) {
		plan[i] = (struct id_range){ranges[i].container_id, ranges[i].host_id,
					    ranges[i].size};
		sum += ranges[i].size;
	}
	EXPECT(sum <= UINT32_MAX);
	for (size_t i = 0; i < count; i++) {
		uint32_t last = ranges[i].size - 1;

		EXPECT(id_map_lookup(NULL, &map, ranges[i].container_id, &outside));
		EXPECT(outside == ranges[i].host_id);
		EXPECT(id_map_lookup(NULL, &map, ranges[i].container_id + last, &outside));
		EXPECT(outside == ranges[i].host_id + last);
	}
	if (count)
		EXPECT(!id_map_lookup(NULL, &map, UINT32_MAX, &outside));
}

static int check_mappings(const char *text, struct error *err)
{
	static struct oci_id_mapping ranges[MOST];
	size_t count = read_ranges(text, ranges);
	int r = id_mappings_validate_ranges(ranges, count, err);

	if (r < 0)
		return r;
	EXPECT(count <= MOST_ID_RANGES && !overlap_anywhere(ranges, count));
	expect_lookups(ranges, count);
	return 0;
}

/* -- l ----------------------------------------------------------------------------------------- */

static bool eat_number(const char **text, uint64_t *number)
{
	size_t digits = strspn(*text, "0123456789");

	*number = 0;
	for (size_t i = 0; i < digits; i++) {
		*number = *number * 10 + (uint64_t)((*text)[i] - '0');
		if (*number > UINT32_MAX)
			return false;
	}
	*text += digits;
	return digits > 0;
}

static bool eat(const char **text, char letter)
{
	if (**text != letter)
		return false;
	++*text;
	return true;
}

/* Whether it is a list as linux/mount-idmap.h has it, and the sum of its sizes. */
static bool is_list(const char *text, uint64_t *sum)
{
	*sum = 0;
	while (*text) {
		uint64_t inside, outside, size;

		if ((*text != 'u' && *text != 'g') || strncmp(text + 1, "ids=", 4) != 0)
			return false;
		text += strlen("uids=");
		do {
			eat(&text, '@');
			if (!eat_number(&text, &inside) || !eat(&text, '-') ||
			    !eat_number(&text, &outside) || !eat(&text, '-') ||
			    !eat_number(&text, &size) || size == 0)
				return false;
			*sum += size;
		} while (eat(&text, '#'));
		if (!eat(&text, ';') && *text)
			return false;
	}
	return true;
}

static uint64_t sum_of(const struct id_map *map)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < map->ranges_len; i++)
		sum += map->ranges[i].count;
	return sum;
}

static int check_list(const char *list, struct arena *arena, struct error *err)
{
	struct id_range uids[] = {{0, 1000, 1}, {1, 100000, 65536}};
	struct id_range gids[] = {{5, 5000, 10}, {100, 10, 20}};
	const struct container container = {
		.arena = arena, .uid_map = {uids, 2}, .gid_map = {gids, 2}};
	struct idmap map = {.user_namespace = -1};
	uint64_t sum;
	bool right = is_list(list, &sum);
	int r;

	EXPECT((parse_list(NULL, list, NULL, err) == 0) == right);
	r = parse_list(&container, list, &map, err);
	EXPECT(r < 0 || right);
	if (r == 0)
		EXPECT(sum_of(&map.uids) + sum_of(&map.gids) == sum);
	return r;
}

/* -- s ----------------------------------------------------------------------------------------- */

static int check_subordinate(const char *text, struct arena *arena, struct error *err)
{
	static int file = -1;
	static char path[64];
	size_t length = strlen(text);
	struct id_map map = {0};
	int r;

	if (file < 0) {
		file = memfd_create("subuid", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	}
	EXPECT(pwrite(file, text, length, 0) == (ssize_t)length);
	EXPECT(ftruncate(file, (off_t)length) == 0);
	r = subordinate_ids(arena, path, &map, err);
	for (size_t i = 1; r == 0 && i < map.ranges_len; i++) {
		EXPECT(map.ranges[i].count > 0);
		EXPECT(map.ranges[i].count <= UINT32_MAX - map.ranges[i].outside);
	}
	return r;
}

static int attempt(struct input input, struct arena *arena, struct error *err)
{
	uint8_t form = input_byte(&input);
	const char *text = input_text(&input, '\0', arena);

	if (arena_refused())
		return arena_full(arena, err);
	text = text ? text : "";
	if (form == 'm')
		return check_mappings(text, err);
	return form == 'l' ? check_list(text, arena, err) : check_subordinate(text, arena, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_with_arena(attempt, data, size);
	return 0;
}
