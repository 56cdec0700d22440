#include "basic/closing.h"

#include <fcntl.h>
#include <stdbool.h>

#include "basic/cleanup.h"
#include "unit.h"

enum { MANY = 40 };

static int open_one(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* Opens as many as are wanted, each after the one before is to be closed; returns how many are open. */
static int look_into(int count)
{
	int fds[MANY], open = 0;

	for (int i = 0; i < count; i++) {
		autolater int fd = open_one();

		fds[i] = fd;
	}
	for (int i = 0; i < count; i++) {
		bool seen = false;

		for (int before = 0; before < i; before++)
			seen = seen || fds[before] == fds[i];
		open += !seen && is_open(fds[i]);
	}
	return open;
}

TEST(closes_at_once_unless_asked_to_wait)
{
	int none = -1;

	ck_assert_int_eq(look_into(5), 0);
	close_later(&none);
	ck_assert_int_eq(none, -1);
}

TEST(closes_what_waits_a_few_at_a_time)
{
	closing_together();
	ck_assert_int_eq(look_into(5), 5);
	closing_done();
	ck_assert_int_eq(look_into(5), 0);
	closing_together();
	ck_assert_int_lt(look_into(MANY), MANY / 2);
	closing_done();
	ck_assert_int_eq(look_into(5), 0);
}

TEST(closes_nothing_in_between)
{
	int first, kept, second, copies[2];

	closing_together();
	first = open_one();
	kept = open_one();
	second = open_one();
	copies[0] = first;
	copies[1] = second;
	close_later(&first);
	close_later(&second);
	ck_assert_int_eq(first, -1);
	ck_assert(is_open(copies[0]) && is_open(copies[1]));
	closing_done();
	ck_assert(!is_open(copies[0]) && !is_open(copies[1]));
	ck_assert(is_open(kept));
	close(kept);
}

RUN_TESTS("closing", closes_at_once_unless_asked_to_wait, closes_what_waits_a_few_at_a_time,
	  closes_nothing_in_between)
