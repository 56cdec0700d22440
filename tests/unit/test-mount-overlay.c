#include <errno.h>

#include "linux/mounts.h"
#include "scratch.h"
#include "unit.h"

static struct scratch s;

static void look_at_layers(struct scratch *scratch)
{
	(void)scratch;
	report(&s, "%s, %s, %s, %s, ", content("/x/first"), content("/x/both"), content("/x/last"),
	       flags_of("/x"));
	report(&s, "%s", content("/x/colon"));
}

/* Makes the layer number, with long names above it, and adds it to the list. */
static void add_layer(char *list, size_t size, int number, const char *name)
{
	char path[ROOM], file[ROOM + 16];
	size_t used = strlen(list);

	snprintf(path, sizeof(path), "%s/%s-%d-%.*s", host(&s, "host"), name, number, 100,
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "aaaaaaaaaaa"
		 "aaaaaaaaaa");
	put_directory(path);
	snprintf(file, sizeof(file), "%s/both", path);
	put_file(file, name);
	snprintf(file, sizeof(file), "%s/%s", path, name);
	put_file(file, name);
	snprintf(list + used, size - used, "%s", path);
}

static char layers[8192];

static void begin(int count)
{
	scratch_begin(&s);
	s.look = look_at_layers;
	snprintf(layers, sizeof(layers), "lowerdir=");
	add_layer(layers, sizeof(layers), 0, "first");
	for (int i = 1; i < count; i++) {
		strcat(layers, ":");
		add_layer(layers, sizeof(layers), i, i == count - 1 ? "last" : "other");
	}
}

static bool is_possible(void)
{
	int context = geteuid() == 0 ? sys_fsopen("overlay") : -1;
	bool possible = context >= 0 &&
			sys_fsconfig(context, FSCONFIG_SET_STRING, "lowerdir+", "/tmp") == 0;

	if (context >= 0)
		close(context);
	return possible;
}

TEST(mounts_more_layers_than_fit_into_a_page)
{
	if (!is_possible())
		return;
	begin(50);
	ck_assert_uint_gt(strlen(layers), 4096);
	set_mounts(&s, MOUNTS({.destination = "/x",
			       .type = "overlay",
			       .options = OPTIONS(layers, "ro", "nosuid")}));
	scratch_expect(&s, "first, first, last, ro,nosuid, -");
	scratch_end(&s);
}

TEST(mounts_few_layers)
{
	if (!is_possible())
		return;
	begin(2);
	set_mounts(&s,
		   MOUNTS({.destination = "/x", .type = "overlay", .options = OPTIONS(layers)}));
	scratch_expect(&s, "first, first, last, ro, -");
	scratch_end(&s);
}

TEST(understands_the_escapes_of_colons)
{
	if (!is_possible())
		return;
	begin(3);
	put_directory(host(&s, "host/a:b"));
	put_file(host(&s, "host/a:b/colon"), "escaped");
	snprintf(layers + strlen(layers), 200, ":%s/host/a\\:b", s.path);
	set_mounts(&s,
		   MOUNTS({.destination = "/x", .type = "overlay", .options = OPTIONS(layers)}));
	scratch_expect(&s, "first, first, last, ro, escaped");
	scratch_end(&s);
}

TEST(knows_which_options_are_long)
{
	static char value[MOUNT_LONGEST_VALUE + 2];
	struct oci_pair option = {.key = "lowerdir", .value = value};

	memset(value, 'x', MOUNT_LONGEST_VALUE);
	ck_assert(!mount_overlay_is_long("overlay", &option));
	value[MOUNT_LONGEST_VALUE] = 'x';
	ck_assert(mount_overlay_is_long("overlay", &option));
	ck_assert(!mount_overlay_is_long("tmpfs", &option));
	option.key = "context";
	ck_assert(!mount_overlay_is_long("overlay", &option));
	option.key = "upperdir";
	option.value = NULL;
	ck_assert(!mount_overlay_is_long("overlay", &option));
}

TEST(refuses_empty_layers)
{
	int context = is_possible() ? sys_fsopen("overlay") : -1;
	const struct oci_pair option = {.key = "lowerdir", .value = "/tmp:::/tmp"};

	if (context < 0)
		return;
	ck_assert_int_eq(mount_overlay_set_long(context, &option), -EINVAL);
	close(context);
}

RUN_TESTS("mount-overlay", mounts_more_layers_than_fit_into_a_page, mounts_few_layers,
	  understands_the_escapes_of_colons, knows_which_options_are_long, refuses_empty_layers)
