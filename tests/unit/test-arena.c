#include "basic/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "unit.h"

static struct arena arena;
static struct error err;

static bool is_zero(const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

TEST(gives_out_zeroed_aligned_pieces_that_do_not_overlap)
{
	static const size_t sizes[] = {1, 15, 16, 17, 4096, 100000, 3};
	char *end = NULL;

	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *piece = arena_alloc(&arena, sizes[i]);

		ck_assert_ptr_nonnull(piece);
		ck_assert_uint_eq((uintptr_t)piece % _Alignof(max_align_t), 0);
		ck_assert(piece >= end);
		ck_assert(is_zero(piece, sizes[i]));
		memset(piece, 'x', sizes[i]);
		end = piece + sizes[i];
	}
	arena_release(&arena);
}

TEST(says_when_it_is_full_and_stays_usable)
{
	size_t most;

	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	most = arena.size;
	ck_assert_ptr_null(arena_alloc(&arena, most));
	ck_assert_ptr_null(arena_alloc(&arena, SIZE_MAX));
	ck_assert_ptr_null(arena_copy(&arena, "", most));
	ck_assert_uint_eq(arena.used, 0);
	ck_assert_ptr_nonnull(arena_alloc(&arena, most - 64));
	ck_assert_ptr_nonnull(arena_alloc(&arena, 17));
	ck_assert_ptr_null(arena_alloc(&arena, 17));
	ck_assert_ptr_null(arena_printf(&arena, "%s", "longer than what is left of it"));
	ck_assert_ptr_nonnull(arena_printf(&arena, "%d", 12));
	ck_assert(arena.used <= most);
	ck_assert_int_eq(arena_full(&arena, &err), -ENOMEM);
	ck_assert_str_eq(err.text, "more than 256 MiB of memory would be needed: cannot allocate "
				   "memory");
	arena_release(&arena);
}

TEST(changes_the_size_of_the_last_piece)
{
	char *piece, *next;
	size_t used;

	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	piece = arena_alloc(&arena, 100);
	memset(piece, 'x', 100);
	ck_assert(arena_resize(&arena, piece, 10000));
	ck_assert(is_zero(piece + 100, 9900));
	ck_assert_int_eq(piece[99], 'x');
	ck_assert(arena_resize(&arena, piece, 100));
	ck_assert(arena_ends_with(&arena, piece, 100));
	next = arena_alloc(&arena, 1);
	ck_assert(!arena_ends_with(&arena, piece, 100));
	ck_assert(arena_ends_with(&arena, next, 1));
	ck_assert_ptr_eq(next, piece + 112);
	used = arena.used;
	ck_assert(!arena_resize(&arena, next, arena.size));
	ck_assert_uint_eq(arena.used, used);
	arena_release(&arena);
}

TEST(refuses_an_array_whose_size_overflows)
{
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	ck_assert_ptr_null(arena_array(&arena, uint64_t, SIZE_MAX / 8 + 2));
	ck_assert_ptr_null(arena_array(&arena, struct error, SIZE_MAX));
	ck_assert_uint_eq(arena.used, 0);
	ck_assert_ptr_nonnull(arena_array(&arena, uint64_t, 0));
	ck_assert_ptr_nonnull(arena_array(&arena, uint64_t, 3));
	arena_release(&arena);
}

TEST(copies_and_prints_text)
{
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	ck_assert_str_eq(arena_copy(&arena, "runtime", 3), "run");
	ck_assert_str_eq(arena_copy(&arena, "", 0), "");
	ck_assert_str_eq(arena_printf(&arena, "%s[%d]", "mounts", 3), "mounts[3]");
	ck_assert_uint_eq(strlen(arena_printf(&arena, "%*d", 100000, 1)), 100000);
	arena_release(&arena);
}

TEST(is_released_once_and_for_all)
{
	struct arena never = {0};
	int fd;

	arena_release(&never);
	ck_assert_int_eq(arena_open_shared(&arena, &err), 0);
	fd = arena.fd;
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	arena_release(&arena);
	arena_release(&arena);
	ck_assert_ptr_null(arena.start);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
}

/* -- in two programs --------------------------------------------------------------------------- */

struct plan {
	const char *text; /* a pointer into the arena */
	char init[32];
};

static struct plan *open_plan(void)
{
	struct plan *plan;

	ck_assert_int_eq(arena_open_shared(&arena, &err), 0);
	plan = arena_alloc(&arena, sizeof(*plan));
	ck_assert_ptr_nonnull(plan);
	ck_assert_ptr_eq(plan, arena.start);
	plan->text = arena_copy(&arena, "pointed to", 10);
	return plan;
}

/* What another program does, as far as memory goes: all of this one's mappings are gone. */
static struct plan *map_anew(struct error *e)
{
	void *start = NULL;

	munmap(arena.start, arena.size);
	return arena_map(arena.fd, &start, e) < 0 ? NULL : start;
}

static int follow_the_pointer(void *context, struct error *e)
{
	struct plan *plan = map_anew(e);

	(void)context;
	return plan ? strcmp(plan->text, "pointed to") : -e->code;
}

TEST(lies_at_the_same_address_in_another_program)
{
	open_plan();
	ck_assert_msg(in_child(follow_the_pointer, NULL, &err) == 0, "%s", err.text);
	arena_release(&arena);
}

/* A sanitizer or the kernel's randomisation must not have put anything there: a real exec. */
TEST(finds_its_address_free_right_after_exec)
{
	char fd[16];
	int status;
	pid_t pid;

	for (int i = 0; i < 8; i++) {
		open_plan();
		pid = fork();
		if (pid == 0) {
			fcntl(arena.fd, F_SETFD, 0);
			snprintf(fd, sizeof(fd), "%d", arena.fd);
			setenv("PROA_TEST_PLAN", fd, 1);
			execl("/proc/self/exe", "test-arena", NULL);
			_exit(99);
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_int_eq(status, 0);
		arena_release(&arena);
	}
}

/* Init has a copy of its own: what the container makes of it is not the runtime's. */
static int write_as_init(void *context, struct error *e)
{
	struct plan *plan = map_anew(e);

	(void)context;
	if (!plan)
		return -e->code;
	strcpy(plan->init, "init was here");
	return 0;
}

TEST(hides_what_init_writes_from_the_runtime)
{
	struct plan *plan = open_plan();
	char seen[32] = "-";

	ck_assert_msg(in_child(write_as_init, NULL, &err) == 0, "%s", err.text);
	ck_assert_str_eq(plan->init, "");
	/* It is not in the memfd either, from where a third program would take it. */
	ck_assert_int_eq(pread(arena.fd, seen, sizeof(seen), offsetof(struct plan, init)), 32);
	ck_assert_str_eq(seen, "");
	arena_release(&arena);
}

TEST(does_not_map_over_what_is_there)
{
	struct plan *plan = open_plan();
	struct arena second;
	void *start = NULL;

	ck_assert_int_eq(arena_map(arena.fd, &start, &err), -EEXIST);
	ck_assert_ptr_null(start);
	ck_assert_int_eq(arena_open_shared(&second, &err), -EEXIST);
	ck_assert_str_eq(plan->text, "pointed to");
	arena_release(&arena);
}

static int map_after_exec(const char *fd)
{
	void *start = NULL;
	const struct plan *plan;

	if (arena_map(atoi(fd), &start, &err) < 0)
		return 1;
	plan = start;
	return strcmp(plan->text, "pointed to") != 0;
}

/* Runs before main(): this program is its own other program, see above. */
__attribute__((constructor)) static void be_the_other_program(void)
{
	const char *fd = getenv("PROA_TEST_PLAN");

	if (fd)
		_exit(map_after_exec(fd));
}

RUN_TESTS("arena", gives_out_zeroed_aligned_pieces_that_do_not_overlap,
	  says_when_it_is_full_and_stays_usable, changes_the_size_of_the_last_piece,
	  refuses_an_array_whose_size_overflows, copies_and_prints_text,
	  is_released_once_and_for_all, lies_at_the_same_address_in_another_program,
	  finds_its_address_free_right_after_exec, hides_what_init_writes_from_the_runtime,
	  does_not_map_over_what_is_there)
