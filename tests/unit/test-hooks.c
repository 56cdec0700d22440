#include "linux/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "basic/clock.h"
#include "basic/file.h"
#include "basic/process.h"
#include "linux/section.h"
#include "tree.h"
#include "unit.h"

static struct error err;
static struct tree tree;

#define STATE "{\"id\":\"web\",\"status\":\"creating\"}"

/* What a hook wrote to the file "out" of its scratch directory. */
static const char *said(void)
{
	static char text[4096];

	(void)file_read_small(tree.fd, "out", text, sizeof(text));
	return text;
}

static int run(const struct oci_hook *hook)
{
	return hooks_run(&(struct hook_list){"createRuntime", hook, 1, NULL, NULL}, STATE, &err);
}

/* A shell with a script, in which $1 is the scratch directory; a timeout of 0 is none. */
static int run_script(const char *script, int timeout)
{
	const char *args[] = {"sh", "-c", script, "sh", tree.path, NULL};
	const struct oci_hook hook = {
		.path = "/bin/sh",
		.args = args,
		.args_len = 5,
		.timeout = timeout,
		.has_timeout = timeout != 0,
	};

	return run(&hook);
}

static void expect_script(const char *script, const char *output)
{
	tree = tree_make();
	ck_assert_msg(run_script(script, 10) == 0, "%s: %s", err.text, err.hint);
	ck_assert_str_eq(said(), output);
	tree_remove(&tree);
}

static void expect_failure(const char *script, const char *text, const char *hint)
{
	tree = tree_make();
	ck_assert_int_eq(run_script(script, 10), -EINVAL);
	ck_assert_str_eq(err.text, text);
	ck_assert_str_eq(err.hint, hint);
	tree_remove(&tree);
}

#define WHERE "hooks.createRuntime[0]: error running createRuntime hook #0: "

/* -- validate ---------------------------------------------------------------------------------- */

static int validate(struct oci_hooks hooks)
{
	return section_hooks.validate(&(struct oci_config){.hooks = &hooks}, &err);
}

TEST(accepts_absolute_paths_and_timeouts)
{
	struct oci_hook sound[] = {{.path = "/bin/true"},
				   {.path = "/x", .timeout = 1, .has_timeout = true}};

	ck_assert_int_eq(section_hooks.validate(&(struct oci_config){0}, &err), 0);
	ck_assert_int_eq(validate((struct oci_hooks){0}), 0);
	ck_assert_int_eq(validate((struct oci_hooks){.poststop = sound, .poststop_len = 2}), 0);
}

static void expect_rejected(struct oci_hooks hooks, const char *kind)
{
	char text[128];

	snprintf(text, sizeof(text), "hooks.%s[0]: path \"bin/x\" is not absolute", kind);
	ck_assert_int_eq(validate(hooks), -EINVAL);
	ck_assert_str_eq(err.text, text);
}

TEST(rejects_a_relative_path_of_every_kind_of_hook)
{
	struct oci_hook bad = {.path = "bin/x"};

	expect_rejected((struct oci_hooks){.prestart = &bad, .prestart_len = 1}, "prestart");
	expect_rejected((struct oci_hooks){.create_runtime = &bad, .create_runtime_len = 1},
			"createRuntime");
	expect_rejected((struct oci_hooks){.create_container = &bad, .create_container_len = 1},
			"createContainer");
	expect_rejected((struct oci_hooks){.start_container = &bad, .start_container_len = 1},
			"startContainer");
	expect_rejected((struct oci_hooks){.poststart = &bad, .poststart_len = 1}, "poststart");
	expect_rejected((struct oci_hooks){.poststop = &bad, .poststop_len = 1}, "poststop");
}

TEST(rejects_a_timeout_of_nothing)
{
	struct oci_hook hooks[] = {{.path = "/x"},
				   {.path = "/x", .timeout = 0, .has_timeout = true}};

	ck_assert_int_eq(validate((struct oci_hooks){.poststart = hooks, .poststart_len = 2}),
			 -EINVAL);
	ck_assert_str_eq(err.text, "hooks.poststart[1]: timeout 0 is not above 0");
	ck_assert_str_eq(err.hint, "it is in seconds; leave it out for no limit");
	hooks[1].timeout = -5;
	ck_assert_int_eq(validate((struct oci_hooks){.poststart = hooks, .poststart_len = 2}),
			 -EINVAL);
	ck_assert_str_eq(err.text, "hooks.poststart[1]: timeout -5 is not above 0");
}

/* -- what a hook gets -------------------------------------------------------------------------- */

TEST(gives_the_state_on_standard_input)
{
	expect_script("cat >$1/out", STATE);
	/* From its beginning, for each of several. */
	expect_script("read -r line; echo $line >$1/out", STATE "\n");
}

TEST(gives_the_arguments_as_they_are)
{
	const char *args[] = {"another name", "-c", "echo \"$0\" \"$1\" >$2/out", "", "two words",
			      NULL,	      NULL};
	struct oci_hook hook = {.path = "/bin/sh", .args = args, .args_len = 6};

	tree = tree_make();
	args[5] = tree.path;
	ck_assert_int_eq(run(&hook), 0);
	ck_assert_str_eq(said(), " two words\n");
	tree_remove(&tree);
}

TEST(gives_the_path_alone_where_there_are_no_arguments)
{
	ck_assert_int_eq(run(&(struct oci_hook){.path = "/bin/true"}), 0);
}

/* As it was at exec: a shell adds to its own. */
static void expect_environment(const char **env, size_t count, const char *expected)
{
	const char *args[] = {"sh", "-c", "tr '\\0' ' ' </proc/$$/environ >$1/out",
			      "sh", NULL, NULL};
	struct oci_hook hook = {
		.path = "/bin/sh", .args = args, .args_len = 5, .env = env, .env_len = count};

	tree = tree_make();
	args[4] = tree.path;
	setenv("SECRET", "of the runtime", 1);
	ck_assert_msg(run(&hook) == 0, "%s: %s", err.text, err.hint);
	ck_assert_str_eq(said(), expected);
	tree_remove(&tree);
}

TEST(gives_the_environment_that_is_listed_and_nothing_else)
{
	const char *env[] = {"PATH=/usr/bin:/bin", "A=b c", NULL};

	expect_environment(env, 2, "PATH=/usr/bin:/bin A=b c ");
	expect_environment(NULL, 0, "");
}

TEST(gives_no_descriptor_but_the_standard_ones)
{
	int inherited = open("/", O_RDONLY | O_DIRECTORY);

	ck_assert_int_ge(inherited, 3);
	expect_script("for fd in /proc/$$/fd/*; do\n"
		      "test -e $fd && echo ${fd##*/} $(readlink $fd)\n"
		      "done | sed 's/[[(].*//' >$1/out",
		      "0 /memfd:state \n1 /dev/null\n2 pipe:\n");
	close(inherited);
}

TEST(resets_what_the_runtime_does_with_signals)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGPIPE, SIG_IGN);
	expect_script("grep -E '^Sig(Blk|Ign)' /proc/$$/status | tr -d '\\t\\n' >$1/out",
		      "SigBlk:0000000000000000SigIgn:0000000000000000");
	sigprocmask(SIG_UNBLOCK, &all, NULL);
}

TEST(does_not_mind_a_hook_that_reads_nothing)
{
	char *state = malloc(1000001);

	ck_assert_ptr_nonnull(state);
	memset(state, 'x', 1000000);
	state[1000000] = '\0';
	ck_assert_int_eq(
		hooks_run(&(struct hook_list){"poststop", &(struct oci_hook){.path = "/bin/true"},
					      1, NULL, NULL},
			  state, &err),
		0);
	free(state);
}

/* The directory is told by what "." is, in the file "out" that may be elsewhere. */
static void expect_directory(const char *directory, const char *expected)
{
	const char *args[] = {"sh", "-c", "readlink /proc/$$/cwd >$1/out", "sh", tree.path, NULL};
	const struct oci_hook hook = {.path = "/bin/sh", .args = args, .args_len = 5};
	const struct hook_list list = {"poststart", &hook, 1, directory, NULL};
	char line[128];

	snprintf(line, sizeof(line), "%s\n", expected);
	ck_assert_msg(hooks_run(&list, STATE, &err) == 0, "%s: %s", err.text, err.hint);
	ck_assert_str_eq(said(), line);
}

TEST(runs_where_it_is_told_to)
{
	char cwd[64];

	tree = tree_make();
	ck_assert_int_eq(chdir("/usr"), 0);
	expect_directory(NULL, "/usr");
	expect_directory(tree.path, tree.path);
	/* As in a container, from where the bundle is out of reach. */
	expect_directory("/no/such/bundle", "/");
	ck_assert_str_eq(getcwd(cwd, sizeof(cwd)), "/usr");
	ck_assert_int_eq(chdir("/"), 0);
	tree_remove(&tree);
}

/* -- how a hook ends --------------------------------------------------------------------------- */

TEST(runs_one_after_the_other_until_one_fails)
{
	const char *first[] = {"sh", "-c", "sleep 0.1; echo first >>$1/out", "sh", NULL, NULL};
	const char *second[] = {"sh", "-c", "echo second >>$1/out; exit 3", "sh", NULL, NULL};
	struct oci_hook hooks[] = {
		{.path = "/bin/sh", .args = first, .args_len = 5},
		{.path = "/bin/sh", .args = second, .args_len = 5},
		{.path = "/bin/sh", .args = first, .args_len = 5},
	};

	tree = tree_make();
	first[4] = second[4] = tree.path;
	ck_assert_int_eq(
		hooks_run(&(struct hook_list){"prestart", hooks, 3, NULL, NULL}, STATE, &err),
		-EINVAL);
	ck_assert_str_eq(err.text, "hooks.prestart[1]: error running prestart hook #1: /bin/sh: "
				   "exit status 3");
	ck_assert_str_eq(said(), "first\nsecond\n");
	ck_assert_int_eq(
		hooks_run(&(struct hook_list){"prestart", hooks, 0, NULL, NULL}, STATE, &err), 0);
	tree_remove(&tree);
}

TEST(tells_the_exit_status_and_what_it_said_last)
{
	expect_failure("exit 7", WHERE "/bin/sh: exit status 7", "");
	expect_failure("echo one >&2; echo the reason >&2; exit 1", WHERE "/bin/sh: exit status 1",
		       "it said: the reason");
	expect_failure("printf 'a\\033[1mb\\tc\\r\\n\\n \\n' >&2; exit 1",
		       WHERE "/bin/sh: exit status 1", "it said: a [1mb c");
}

TEST(tells_the_signal_that_killed_it)
{
	expect_failure("kill -9 $$", WHERE "/bin/sh was killed by signal 9", "");
	expect_failure("echo bad >&2; kill -11 $$", WHERE "/bin/sh was killed by signal 11",
		       "it said: bad");
}

TEST(tells_why_a_program_can_not_be_run)
{
	char path[128], text[256];

	ck_assert_int_eq(run(&(struct oci_hook){.path = "/no/such/hook"}), -EINVAL);
	ck_assert_str_eq(err.text, WHERE "run /no/such/hook: no such file or directory");
	ck_assert_int_eq(run(&(struct oci_hook){.path = "/"}), -EINVAL);
	ck_assert_str_eq(err.text, WHERE "run /: permission denied");
	tree = tree_make();
	tree_file(&tree, "hook", 0755, "no program\n");
	snprintf(path, sizeof(path), "%s/hook", tree.path);
	snprintf(text, sizeof(text), WHERE "run %s: exec format error", path);
	ck_assert_int_eq(run(&(struct oci_hook){.path = path}), -EINVAL);
	ck_assert_str_eq(err.text, text);
	tree_remove(&tree);
}

TEST(keeps_the_end_of_a_flood)
{
	expect_failure("head -c 300000 /dev/zero | tr '\\0' x >&2\n"
		       "echo >&2\n"
		       "echo the end >&2\n"
		       "exit 1",
		       WHERE "/bin/sh: exit status 1", "it said: the end");
	/* Of one line too: its last bytes. */
	tree = tree_make();
	ck_assert_int_eq(run_script("head -c 30000 /dev/zero | tr '\\0' x >&2; exit 1", 10),
			 -EINVAL);
	ck_assert_uint_eq(strspn(err.hint + strlen("it said: "), "x"),
			  sizeof(err.hint) - 1 - strlen("it said: "));
	tree_remove(&tree);
}

TEST(does_not_mind_a_flood_of_a_hook_that_ends_well)
{
	expect_script("head -c 3000000 /dev/zero >&2; echo done >$1/out", "done\n");
}

TEST(does_not_wait_for_what_a_hook_leaves_behind)
{
	uint64_t before = clock_milliseconds();

	expect_script("sleep 2 & echo done >$1/out", "done\n");
	ck_assert_uint_lt(clock_milliseconds() - before, 1500);
}

TEST(tells_how_long_a_hook_took_that_did_not_fail_at_once)
{
	char *after;

	tree = tree_make();
	ck_assert_int_eq(run_script("sleep 0.6; exit 3", 10), -EINVAL);
	after = strstr(err.text, " after ");
	ck_assert_msg(after && strlen(after) == strlen(" after 0.6 s"), "%s", err.text);
	*after = '\0';
	ck_assert_str_eq(err.text, WHERE "/bin/sh: exit status 3");
	ck_assert_int_eq(run_script("sleep 0.6; kill -9 $$", 10), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "/bin/sh was killed by signal 9 after "));
	tree_remove(&tree);
}

/* -- where its output goes --------------------------------------------------------------------- */

static const char *content(const char *file)
{
	static char text[4096];

	(void)file_read_small(tree.fd, file, text, sizeof(text));
	return text;
}

static int run_with_output(const char *script, struct hook_output *output)
{
	const char *args[] = {"sh", "-c", script, "sh", tree.path, NULL};
	const struct oci_hook hook = {.path = "/bin/sh", .args = args, .args_len = 5};

	return hooks_run(&(struct hook_list){"poststop", &hook, 1, NULL, output}, STATE, &err);
}

static int open_both(struct oci_pair annotations[2], struct hook_output *output)
{
	static char paths[2][128];
	static const char *const keys[] = {"run.oci.hooks.stdout", "run.oci.hooks.stderr"};

	for (int i = 0; i < 2; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/%s", tree.path, i ? "errors" : "output");
		annotations[i] = (struct oci_pair){keys[i], paths[i]};
	}
	return hook_output_open(annotations, 2, output, &err);
}

TEST(adds_what_hooks_write_to_the_files_of_the_annotations)
{
	struct hook_output output;
	struct oci_pair annotations[2];

	tree = tree_make();
	tree_file(&tree, "output", 0644, "before\n");
	ck_assert_msg(open_both(annotations, &output) == 0, "%s", err.text);
	ck_assert_int_eq(run_with_output("echo said; echo wrong >&2", &output), 0);
	ck_assert_int_eq(run_with_output("echo more; echo again >&2; exit 1", &output), -EINVAL);
	ck_assert_str_eq(err.hint, "it said: again");
	hook_output_close(&output);
	ck_assert_int_eq(output.standard, -1);
	ck_assert_str_eq(content("output"), "before\nsaid\nmore\n");
	ck_assert_str_eq(content("errors"), "wrong\nagain\n");
	tree_remove(&tree);
}

TEST(keeps_all_that_a_hook_says_even_at_its_end)
{
	struct hook_output output = {-1, -1};
	struct stat status;

	tree = tree_make();
	tree_file(&tree, "errors", 0644, "");
	output.errors = openat(tree.fd, "errors", O_WRONLY | O_APPEND);
	ck_assert_int_eq(run_with_output("head -c 300000 /dev/zero >&2", &output), 0);
	ck_assert_int_eq(fstat(output.errors, &status), 0);
	ck_assert_int_eq(status.st_size, 300000);
	hook_output_close(&output);
	tree_remove(&tree);
}

TEST(opens_nothing_without_annotations_and_tells_what_it_cannot_open)
{
	struct oci_pair annotation = {"run.oci.hooks.stderr", "/nowhere/log"};
	struct hook_output output;

	ck_assert_int_eq(hook_output_open(NULL, 0, &output, &err), 0);
	ck_assert_int_eq(output.standard, -1);
	ck_assert_int_eq(output.errors, -1);
	ck_assert_int_eq(hook_output_open(&annotation, 1, &output, &err), -ENOENT);
	ck_assert_str_eq(err.text, "annotations[\"run.oci.hooks.stderr\"]: open /nowhere/log: no "
				   "such file or directory");
	annotation.value = "log";
	ck_assert_int_eq(hook_output_open(&annotation, 1, &output, &err), -EINVAL);
	ck_assert_str_eq(err.text,
			 "annotations[\"run.oci.hooks.stderr\"]: \"log\" is not absolute");
}

/* -- timeouts ---------------------------------------------------------------------------------- */

/* A zombie waits only for whoever is init here. */
static bool is_alive(const char *file)
{
	struct process_status status;
	char text[32];

	ck_assert_int_gt(file_read_small(tree.fd, file, text, sizeof(text)), 0);
	return process_status(atoi(text), &status) == 0 && status.state != 'Z';
}

static bool is_gone_soon(const char *file)
{
	for (int i = 0; i < 100 && is_alive(file); i++)
		usleep(10000);
	return !is_alive(file);
}

/* Also one that never stops talking. */
TEST(kills_a_hook_and_what_it_started_when_its_time_is_over)
{
	uint64_t before = clock_milliseconds();

	tree = tree_make();
	ck_assert_int_eq(run_script("trap '' TERM INT\n"
				    "(sleep 60; echo late >$1/out) & echo $! >$1/child\n"
				    "echo $$ >$1/self; exec yes >&2",
				    1),
			 -EINVAL);
	ck_assert_str_eq(err.text, WHERE "/bin/sh did not end within its timeout of 1 s");
	ck_assert_uint_ge(clock_milliseconds() - before, 990);
	ck_assert_uint_lt(clock_milliseconds() - before, 2500);
	ck_assert(!is_alive("self"));
	ck_assert(is_gone_soon("child"));
	tree_remove(&tree);
}

RUN_TESTS("hooks", accepts_absolute_paths_and_timeouts,
	  rejects_a_relative_path_of_every_kind_of_hook, rejects_a_timeout_of_nothing,
	  gives_the_state_on_standard_input, gives_the_arguments_as_they_are,
	  gives_the_path_alone_where_there_are_no_arguments,
	  gives_the_environment_that_is_listed_and_nothing_else,
	  gives_no_descriptor_but_the_standard_ones, resets_what_the_runtime_does_with_signals,
	  does_not_mind_a_hook_that_reads_nothing, runs_where_it_is_told_to,
	  runs_one_after_the_other_until_one_fails, tells_the_exit_status_and_what_it_said_last,
	  tells_the_signal_that_killed_it, tells_why_a_program_can_not_be_run,
	  keeps_the_end_of_a_flood, does_not_mind_a_flood_of_a_hook_that_ends_well,
	  does_not_wait_for_what_a_hook_leaves_behind,
	  tells_how_long_a_hook_took_that_did_not_fail_at_once,
	  adds_what_hooks_write_to_the_files_of_the_annotations,
	  keeps_all_that_a_hook_says_even_at_its_end,
	  opens_nothing_without_annotations_and_tells_what_it_cannot_open,
	  kills_a_hook_and_what_it_started_when_its_time_is_over)
