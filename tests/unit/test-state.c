#include "runtime/state.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

static struct error err;
static struct arena arena;
static const struct oci_record record = {
	.oci_version = "1.2.0",
	.id = "x",
	.bundle = "/b",
	.status = "running",
	.created = "2026-01-31T10:20:30.000000Z",
	.has_owner = true,
	.owner = 4294967294,
};

static void begin(void)
{
	arena_release(&arena);
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
}

TEST(reports_what_engines_read)
{
	const struct view view = {.record = &record, .status = STATUS_RUNNING, .pid = 7};

	begin();
	ck_assert_str_eq(state_report(&view, state_owner(&record, &arena), &arena, OCI_COMPACT),
			 "{\"ociVersion\":\"1.2.0\",\"id\":\"x\",\"pid\":7,\"status\":\"running\","
			 "\"bundle\":\"/b\",\"created\":\"2026-01-31T10:20:30.000000Z\","
			 "\"owner\":\"#4294967294\"}");
}

TEST(reports_no_pid_once_it_has_stopped)
{
	const struct view view = {.record = &record, .status = STATUS_STOPPED, .pid = 7};

	begin();
	ck_assert_ptr_nonnull(
		strstr(state_report(&view, "root", &arena, OCI_COMPACT), "\"pid\":0,"));
}

TEST(reports_nothing_rather_than_leave_the_owner_out)
{
	const struct view view = {.record = &record, .status = STATUS_RUNNING, .pid = 7};
	size_t size;

	begin();
	size = arena.size;
	arena.size = 16;
	ck_assert_ptr_null(state_owner(&record, &arena));
	arena.size = size;
	ck_assert_ptr_null(state_report(&view, NULL, &arena, OCI_COMPACT));
}

RUN_TESTS("state", reports_what_engines_read, reports_no_pid_once_it_has_stopped,
	  reports_nothing_rather_than_leave_the_owner_out)
