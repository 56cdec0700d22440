#include <errno.h>
#include <signal.h>

#include "runtime/kill.h"
#include "unit.h"

static void expect(const char *text, int number)
{
	struct error err = {0};

	ck_assert_int_eq(signal_number(text, &err), number);
}

static void expect_refusal(const char *text, const char *expected)
{
	struct error err = {0};

	ck_assert_int_eq(signal_number(text, &err), -EINVAL);
	ck_assert_str_eq(err.text, expected);
	ck_assert_str_eq(err.hint, "kill -l shows the signals there are");
}

TEST(knows_signals_by_number)
{
	expect("9", SIGKILL);
	expect("15", SIGTERM);
	expect("0", 0);
	expect("64", 64);
}

TEST(knows_signals_by_name_in_any_form)
{
	expect("TERM", SIGTERM);
	expect("SIGTERM", SIGTERM);
	expect("sigterm", SIGTERM);
	expect("Kill", SIGKILL);
	expect("SIGCLD", SIGCHLD);
	expect("xfsz", SIGXFSZ);
}

TEST(knows_real_time_signals)
{
	expect("RTMIN", SIGRTMIN);
	expect("SIGRTMIN+1", SIGRTMIN + 1);
	expect("rtmax", SIGRTMAX);
	expect("RTMAX-2", SIGRTMAX - 2);
}

TEST(refuses_what_is_no_signal)
{
	expect_refusal("", "unknown signal \"\"");
	expect_refusal("SIG", "unknown signal \"SIG\"");
	expect_refusal("65", "unknown signal \"65\"");
	expect_refusal("-1", "unknown signal \"-1\"");
	expect_refusal("9x", "unknown signal \"9x\"");
	expect_refusal("99999999999999999999", "unknown signal \"99999999999999999999\"");
	expect_refusal("SIG9", "unknown signal \"SIG9\"");
	expect_refusal("RTMIN+31", "unknown signal \"RTMIN+31\"");
	expect_refusal("RTMIN-1", "unknown signal \"RTMIN-1\"");
	expect_refusal("RTMAX+1", "unknown signal \"RTMAX+1\"");
	expect_refusal("RTMIN+", "unknown signal \"RTMIN+\"");
}

RUN_TESTS("kill", knows_signals_by_number, knows_signals_by_name_in_any_form,
	  knows_real_time_signals, refuses_what_is_no_signal)
