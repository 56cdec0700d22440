#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/file.h"
#include "basic/log.h"
#include "linux/section.h"
#include "unit.h"

static struct error err;
static char warned[256];

static void note(enum log_level level, const char *message, void *context)
{
	(void)level, (void)context;
	snprintf(warned, sizeof(warned), "%s", message);
}

static struct oci_process process;
static const struct oci_config config = {.process = &process};

static int validate(int32_t value)
{
	process = (struct oci_process){.has_oom_score_adj = true, .oom_score_adj = value};
	return section_oom_score_adj.validate(&config, &err);
}

/* Attaches value to a child whose own is 500, and returns the child's afterwards. */
static int attach(int32_t value, bool privileges, int *result)
{
	const struct container container = {
		.config = &config,
		.uid = privileges ? 0 : 1000,
		.proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC),
	};
	pid_t pid = fork();
	char path[64], text[16];

	while (pid == 0)
		pause();
	ck_assert_int_eq(validate(value), 0);
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
	ck_assert_int_eq(file_write(AT_FDCWD, path, "500"), 0);
	*result = section_oom_score_adj.attach(&container, pid, &err);
	file_read_small(AT_FDCWD, path, text, sizeof(text));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return atoi(text);
}

TEST(accepts_what_is_absent_and_the_whole_range)
{
	ck_assert_int_eq(section_oom_score_adj.validate(&(struct oci_config){0}, &err), 0);
	ck_assert_int_eq(validate(-1000), 0);
	ck_assert_int_eq(validate(0), 0);
	ck_assert_int_eq(validate(1000), 0);
}

TEST(rejects_what_is_out_of_range)
{
	ck_assert_int_eq(validate(1001), -EINVAL);
	ck_assert_str_eq(err.text, "process.oomScoreAdj: 1001 is not from -1000 to 1000");
	ck_assert_int_eq(validate(-1001), -EINVAL);
}

TEST(raises_it)
{
	int r;

	ck_assert_int_eq(attach(700, true, &r), 700);
	ck_assert_int_eq(r, 0);
}

TEST(refuses_or_ignores_what_takes_more_privileges)
{
	int r, after = attach(-900, true, &r);

	if (r == 0) /* with CAP_SYS_RESOURCE there is nothing to refuse */
		return;
	ck_assert_int_eq(after, 500);
	ck_assert_str_eq(err.text, "process.oomScoreAdj: set it to -900: permission denied");
	ck_assert_str_eq(err.hint, "lowering it takes CAP_SYS_RESOURCE on the host");

	log_set_level(LOG_LEVEL_WARNING);
	log_set_sink(note, NULL);
	ck_assert_int_eq(attach(-900, false, &r), 500);
	ck_assert_int_eq(r, 0);
	ck_assert_str_eq(warned, "process.oomScoreAdj: -900 is ignored: setting it takes "
				 "CAP_SYS_RESOURCE");
}

RUN_TESTS("oom-score-adj", accepts_what_is_absent_and_the_whole_range, rejects_what_is_out_of_range,
	  raises_it, refuses_or_ignores_what_takes_more_privileges)
