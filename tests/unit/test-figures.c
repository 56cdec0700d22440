#include "cgroup/figures.h"

#include "libocispec/encode.h"
#include "unit.h"

static struct arena arena;
static struct error err;

static void setup(void)
{
	err = (struct error){0};
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
}

static const char memory_events[] = "low 1\nhigh 2\nmax 33\noom 4\noom_kill 5\noom_group_kill 6\n";

TEST(finds_the_number_on_the_line_of_a_name)
{
	uint64_t value = 0;

	ck_assert(figure_find(memory_events, "oom_kill", &value));
	ck_assert_uint_eq(value, 5);
	ck_assert(figure_find(memory_events, "oom", &value));
	ck_assert_uint_eq(value, 4);
	ck_assert(figure_find(memory_events, "low", &value));
	ck_assert_uint_eq(value, 1);
	ck_assert(figure_find("populated 1\nfrozen 0", "frozen", &value));
	ck_assert_uint_eq(value, 0);
	ck_assert(figure_find("limit max\n", "limit", &value));
	ck_assert_uint_eq(value, UINT64_MAX);
}

TEST(finds_nothing_where_there_is_nothing)
{
	uint64_t value = 7;

	ck_assert(!figure_find(memory_events, "kill", &value));
	ck_assert(!figure_find(memory_events, "oom_k", &value));
	ck_assert(!figure_find(memory_events, "", &value));
	ck_assert(!figure_find("", "oom", &value));
	ck_assert(!figure_find("oom\n", "oom", &value));
	ck_assert(!figure_find("oom \n", "oom", &value));
	ck_assert(!figure_find("oom -1\n", "oom", &value));
	ck_assert(!figure_find("oom 1x\n", "oom", &value));
	ck_assert_uint_eq(value, 7);
}

TEST(fills_in_what_there_is_and_leaves_out_the_rest)
{
	static const struct figure figures[] = {
		FIGURE("usage_usec", oci_cpu_usage, total, 1000),
		FIGURE("user_usec", oci_cpu_usage, user, 1000),
		FIGURE("system_usec", oci_cpu_usage, kernel, 1000),
		{NULL, 0, 0, 0},
	};
	struct oci_cpu_usage usage = {0};

	setup();
	figures_from_text("usage_usec 12\nsystem_usec 5\nother 1\n", figures, &usage);
	ck_assert_str_eq(oci_encode(&oci_cpu_usage_object, &usage, &arena, OCI_COMPACT),
			 "{\"total\":12000,\"kernel\":5000}");
	arena_release(&arena);
}

TEST(makes_a_map_of_all_lines)
{
	struct oci_memory_statistics memory = {0};

	setup();
	memory.raw = figures_map("anon 4096\nfile 0\nbroken\nalso broken\nlast 7", &arena,
				 &memory.raw_len);
	ck_assert_str_eq(oci_encode(&oci_memory_statistics_object, &memory, &arena, OCI_COMPACT),
			 "{\"raw\":{\"anon\":4096,\"file\":0,\"last\":7}}");
	memory.raw = figures_map("", &arena, &memory.raw_len);
	ck_assert_uint_eq(memory.raw_len, 0);
	arena_release(&arena);
}

TEST(makes_a_list_of_ranges)
{
	size_t count;
	uint16_t *list;

	setup();
	list = figures_list("0-2,7,9-9\n", &arena, &count);
	ck_assert_uint_eq(count, 5);
	ck_assert_uint_eq(list[2], 2);
	ck_assert_uint_eq(list[3], 7);
	ck_assert_uint_eq(list[4], 9);
	ck_assert_ptr_nonnull(figures_list("\n", &arena, &count));
	ck_assert_uint_eq(count, 0);
	/* Nothing that no kernel writes makes it loop or grow. */
	figures_list("7-2", &arena, &count);
	ck_assert_uint_eq(count, 0);
	figures_list("0-99999999999", &arena, &count);
	ck_assert_uint_eq(count, 0);
	arena_release(&arena);
}

TEST(makes_a_row_of_numbers)
{
	size_t count;
	uint64_t *row;

	setup();
	row = figures_row("12 3456 7 \n", &arena, &count);
	ck_assert_uint_eq(count, 3);
	ck_assert_uint_eq(row[1], 3456);
	ck_assert_uint_eq(row[2], 7);
	figures_row("\n", &arena, &count);
	ck_assert_uint_eq(count, 0);
	figures_row("5", &arena, &count);
	ck_assert_uint_eq(count, 1);
	arena_release(&arena);
}

static void expect_pressure(const char *text, const char *expected)
{
	struct oci_pressure *pressure = figures_pressure(text, &arena);

	ck_assert_str_eq(oci_encode(&oci_pressure_object, pressure, &arena, OCI_COMPACT), expected);
}

TEST(reads_pressure_as_it_is_written)
{
	setup();
	expect_pressure(
		"some avg10=1.50 avg60=0.07 avg300=100.00 total=12345\n"
		"full avg10=0.00 avg60=0.00 avg300=0.00 total=6\n",
		"{\"some\":{\"avg10\":1.50,\"avg60\":0.07,\"avg300\":100.00,\"total\":12345},"
		"\"full\":{\"avg10\":0.00,\"avg60\":0.00,\"avg300\":0.00,\"total\":6}}");
	/* Before Linux 5.13 processors had no "full". */
	expect_pressure("some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
			"{\"some\":{\"avg10\":0.00,\"avg60\":0.00,\"avg300\":0.00,\"total\":0}}");
	expect_pressure("", "{}");
	expect_pressure("some avg10=x avg60=.5 avg300=1 total=\nfull avg10=2.50",
			"{\"some\":{},\"full\":{\"avg10\":2.50}}");
	arena_release(&arena);
}

RUN_TESTS("figures", finds_the_number_on_the_line_of_a_name, finds_nothing_where_there_is_nothing,
	  fills_in_what_there_is_and_leaves_out_the_rest, makes_a_map_of_all_lines,
	  makes_a_list_of_ranges, makes_a_row_of_numbers, reads_pressure_as_it_is_written)
