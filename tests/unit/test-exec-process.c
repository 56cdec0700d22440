#include "runtime/exec-process.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

static struct arena arena;
static struct error err;
static struct exec_request request;
static struct oci_process *process;
static const char *const program[] = {"ls", "-l", NULL};
static const char *const nothing[] = {NULL};

static void begin(void)
{
	err = (struct error){0};
	request = (struct exec_request){.args = program};
	process = NULL;
	if (!arena.start)
		ck_assert_int_eq(arena_open_private(&arena, &err), 0);
}

static void make(const struct oci_process *common)
{
	ck_assert_msg(exec_process(&request, common, &arena, &process, &err) == 0, "%s", err.text);
}

static void expect_refused(const struct oci_process *common, const char *text)
{
	ck_assert_int_lt(exec_process(&request, common, &arena, &process, &err), 0);
	ck_assert_str_eq(err.text, text);
}

TEST(reads_a_user_and_a_group)
{
	const struct {
		const char *text;
		uint32_t uid, gid;
	} rows[] = {
		{"0", 0, 77},
		{"1", 1, 77},
		{"007", 7, 77},
		{"1:2", 1, 2},
		{"4294967294", 4294967294, 77},
		{"0:4294967294", 0, 4294967294},
		{"65534:0", 65534, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t uid = 99, gid = 77;

		ck_assert_int_eq(exec_user(rows[i].text, &uid, &gid, &err), 0);
		ck_assert_uint_eq(uid, rows[i].uid);
		ck_assert_uint_eq(gid, rows[i].gid);
	}
}

TEST(refuses_a_user_that_is_no_number)
{
	const char *const texts[] = {
		"",
		":",
		"-1",
		"+1",
		" 1",
		"1 ",
		"1\n",
		"1:",
		":1",
		"1::",
		"1:2:",
		"1:2:3",
		"0x10",
		"1e3",
		"1.0",
		"root",
		"1x",
		"x1",
		"4294967295",
		"4294967296",
		"1:4294967295",
		"18446744073709551616",
		"18446744073709551617:0",
		"99999999999999999999999999999999999999999999",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		uint32_t uid = 0, gid = 0;
		char text[128];

		ck_assert_int_eq(exec_user(texts[i], &uid, &gid, &err), -EINVAL);
		snprintf(text, sizeof(text), "--user: \"%s\" is not of the form UID[:GID]",
			 texts[i]);
		ck_assert_str_eq(err.text, text);
		ck_assert_str_eq(err.hint, "both are numbers from 0 to 4294967294");
	}
}

TEST(is_the_containers_own_with_another_program)
{
	uint32_t gids[] = {5};
	struct oci_user user = {
		.uid = 1, .gid = 2, .additional_gids = gids, .additional_gids_len = 1};
	const char *env[] = {"A=b", NULL};
	const struct oci_process common = {
		.user = &user,
		.env = env,
		.env_len = 1,
		.cwd = "/srv",
		.no_new_privileges = true,
		.apparmor_profile = "profile",
		.has_oom_score_adj = true,
		.oom_score_adj = 5,
	};

	begin();
	make(&common);
	ck_assert_uint_eq(process->args_len, 2);
	ck_assert_str_eq(process->args[1], "-l");
	ck_assert_ptr_null(process->args[2]);
	ck_assert_ptr_ne(process->args[0], program[0]);
	ck_assert_str_eq(process->env[0], "A=b");
	ck_assert_str_eq(process->cwd, "/srv");
	ck_assert_str_eq(process->apparmor_profile, "profile");
	ck_assert(process->no_new_privileges && !process->terminal);
	ck_assert_int_eq(process->oom_score_adj, 5);
	ck_assert_uint_eq(process->user->uid, 1);
	ck_assert_uint_eq(process->user->additional_gids[0], 5);
}

TEST(is_changed_by_options)
{
	const char *added[] = {"C=d"}, *gids[] = {"6", "0"}, *own_env[] = {"A=b", NULL};
	uint32_t own_gids[] = {5};
	struct oci_user user = {
		.uid = 1, .gid = 2, .additional_gids = own_gids, .additional_gids_len = 1};
	const struct oci_process common = {.user = &user, .env = own_env, .env_len = 1, .cwd = "/"};

	begin();
	request.env = (struct text_list){added, 1};
	request.additional_gids = (struct text_list){gids, 2};
	request.user = "7";
	request.cwd = "/tmp";
	request.selinux_label = "label";
	request.terminal = request.no_new_privileges = true;
	make(&common);
	ck_assert_uint_eq(process->env_len, 2);
	ck_assert_str_eq(process->env[1], "C=d");
	ck_assert_ptr_null(process->env[2]);
	ck_assert_str_eq(process->cwd, "/tmp");
	ck_assert_str_eq(process->selinux_label, "label");
	ck_assert(process->terminal && process->no_new_privileges);
	ck_assert_uint_eq(process->user->uid, 7);
	ck_assert_uint_eq(process->user->gid, 2);
	ck_assert_uint_eq(process->user->additional_gids_len, 3);
	ck_assert_uint_eq(process->user->additional_gids[1], 6);
	/* What was read is left as it was. */
	ck_assert_uint_eq(user.uid, 1);
	ck_assert_uint_eq(user.additional_gids_len, 1);
}

TEST(starts_somewhere_even_if_the_container_has_no_process)
{
	begin();
	make(NULL);
	ck_assert_str_eq(process->cwd, "/");
	ck_assert_uint_eq(process->user->uid, 0);
	ck_assert_ptr_null(process->capabilities);
}

TEST(adds_capabilities_but_makes_none_inheritable)
{
	const char *added[] = {"CAP_KILL", "CAP_CHOWN"}, *inheritable[] = {"CAP_CHOWN", NULL};
	struct oci_capabilities own = {.inheritable = inheritable, .inheritable_len = 1};
	const struct oci_process common = {.capabilities = &own};

	begin();
	request.capabilities = (struct text_list){added, 2};
	make(NULL);
	ck_assert_uint_eq(process->capabilities->bounding_len, 2);
	ck_assert_uint_eq(process->capabilities->permitted_len, 2);
	ck_assert_uint_eq(process->capabilities->effective_len, 2);
	ck_assert_uint_eq(process->capabilities->inheritable_len, 0);
	ck_assert_uint_eq(process->capabilities->ambient_len, 0);
	make(&common);
	ck_assert_uint_eq(process->capabilities->inheritable_len, 1);
	ck_assert_uint_eq(process->capabilities->ambient_len, 1);
	ck_assert_str_eq(process->capabilities->ambient[0], "CAP_CHOWN");
	ck_assert_uint_eq(own.ambient_len, 0);
}

TEST(refuses_what_it_does_not_know)
{
	const char *capability[] = {"CAP_FLY"}, *gid[] = {"-5"};

	begin();
	request.capabilities = (struct text_list){capability, 1};
	expect_refused(NULL, "--cap: unknown capability \"CAP_FLY\"");
	begin();
	request.additional_gids = (struct text_list){gid, 1};
	expect_refused(NULL, "--additional-gids: \"-5\" is no number from 0 to 4294967294");
	begin();
	request.args = nothing;
	expect_refused(NULL, "exec: there is no program to run");
	ck_assert_str_eq(err.hint, "name it behind the container's id, or give --process");
}

/* Runs with a file that holds this text. */
static void with_file(const char *text, const char *path)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
	begin();
	request.args = nothing;
	request.process_file = path;
}

TEST(is_what_a_file_says_and_otherwise_the_containers_own)
{
	static char path[] = "/tmp/proa-test-exec-XXXXXX";
	const char *env[] = {"A=b", NULL};
	struct oci_user user = {.has_umask = true, .umask = 7};
	struct oci_capabilities sets = {0};
	const struct oci_process common = {
		.user = &user,
		.env = env,
		.env_len = 1,
		.cwd = "/srv",
		.capabilities = &sets,
		.selinux_label = "own",
		.apparmor_profile = "own",
		.no_new_privileges = true,
	};

	ck_assert_int_ge(mkstemp(path), 0);
	with_file("{\"user\":{\"uid\":1,\"gid\":2},\"cwd\":\"/\",\"args\":[\"ls\"],"
		  "\"selinuxLabel\":\"other\",\"apparmorProfile\":\"\"}",
		  path);
	make(&common);
	ck_assert_str_eq(process->args[0], "ls");
	ck_assert_str_eq(process->cwd, "/");
	ck_assert_str_eq(process->env[0], "A=b");
	ck_assert_str_eq(process->selinux_label, "other");
	ck_assert_str_eq(process->apparmor_profile, "own");
	ck_assert_ptr_eq(process->capabilities, &sets);
	ck_assert_uint_eq(process->user->umask, 7);
	ck_assert(!process->no_new_privileges);

	with_file("{\"user\":{\"uid\":1,\"gid\":2,\"umask\":1},\"cwd\":\"/\",\"env\":[]}", path);
	make(&common);
	ck_assert_uint_eq(process->env_len, 0);
	ck_assert_uint_eq(process->user->umask, 1);

	ck_assert(!process->terminal);
	with_file("{\"user\":{\"uid\":1,\"gid\":2},\"cwd\":\"/\"}", path);
	request.terminal = true;
	make(&common);
	ck_assert(process->terminal);

	with_file("{}", path);
	request.user = "1";
	expect_refused(&common, "exec: --user cannot be given together with --process");
	with_file("{}", path);
	request.args = program;
	expect_refused(&common, "exec: a program cannot be given together with --process");
	unlink(path);
	expect_refused(&common, "exec: a program cannot be given together with --process");
	request.args = nothing;
	ck_assert_int_eq(exec_process(&request, &common, &arena, &process, &err), -ENOENT);
}

RUN_TESTS("exec-process", reads_a_user_and_a_group, refuses_a_user_that_is_no_number,
	  is_the_containers_own_with_another_program, is_changed_by_options,
	  starts_somewhere_even_if_the_container_has_no_process,
	  adds_capabilities_but_makes_none_inheritable, refuses_what_it_does_not_know,
	  is_what_a_file_says_and_otherwise_the_containers_own)
