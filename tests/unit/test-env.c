#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "linux/section.h"
#include "tree.h"
#include "unit.h"

static struct error err;
static struct arena arena;
static struct oci_user user;
static struct oci_process process = {.user = &user};
static const struct oci_config config = {.process = &process};
static struct container container;

/* variables ends with NULL */
static int validate(const char **variables)
{
	process.env = variables;
	for (process.env_len = 0; variables[process.env_len]; process.env_len++)
		continue;
	return section_env.validate(&config, &err);
}

static void prepare(const char **variables)
{
	arena_release(&arena);
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	container = (struct container){.config = &config, .arena = &arena};
	ck_assert_int_eq(validate(variables), 0);
	ck_assert_int_eq(section_env.prepare(&container, &err), 0);
}

#define VARIABLES(...) ((const char *[]){__VA_ARGS__, NULL})

/* The whole environment, each variable followed by a semicolon. */
static const char *environment(void)
{
	static char text[4096];

	text[0] = '\0';
	ck_assert_ptr_null(container.env[container.env_len]);
	for (const char **variable = container.env; *variable; variable++)
		strcat(strcat(text, *variable), ";");
	return text;
}

TEST(accepts_names_with_values)
{
	ck_assert_int_eq(section_env.validate(&(struct oci_config){0}, &err), 0);
	ck_assert_int_eq(validate(VARIABLES("A=b", "EMPTY=", "TWO=x\ny=z")), 0);
}

/* CVE-2020-14370: others take the value of a name alone from the caller's environment. */
TEST(rejects_a_name_alone)
{
	ck_assert_int_eq(validate(VARIABLES("A=b", "PATH")), -EINVAL);
	ck_assert_str_eq(err.text, "process.env[1]: \"PATH\" is not of the form NAME=VALUE");
	ck_assert_int_eq(validate(VARIABLES("")), -EINVAL);
}

TEST(rejects_a_value_alone)
{
	ck_assert_int_eq(validate(VARIABLES("=b")), -EINVAL);
	ck_assert_str_eq(err.text, "process.env[0]: \"=b\" is not of the form NAME=VALUE");
}

TEST(lets_the_last_of_a_name_count)
{
	prepare(VARIABLES("A=1", "AB=2", "A=3", "HOME=/h", "A=4", "AB=5"));
	ck_assert_str_eq(environment(), "A=4;AB=5;HOME=/h;");
}

TEST(takes_thousands_of_variables)
{
	enum { COUNT = 20000 };
	static char texts[COUNT][32];
	static const char *variables[COUNT + 1];

	for (int i = 0; i < COUNT; i++) {
		snprintf(texts[i], sizeof(texts[i]), "V%d=%d", i / 2, i);
		variables[i] = texts[i];
	}
	prepare(variables);
	ck_assert_uint_eq(container.env_len, COUNT / 2);
	ck_assert_str_eq(container.env[77], "V77=155");
}

/* -- HOME -------------------------------------------------------------------------------------- */

/* The home that is found for uid with this /etc/passwd, or with none. */
static const char *home_of(uint32_t uid, const char *passwd)
{
	struct tree tree = tree_make();
	static char home[2048];

	user.uid = uid;
	tree_directory(&tree, "etc", 0755);
	if (passwd)
		tree_file(&tree, "etc/passwd", 0644, passwd);
	prepare(VARIABLES("A=b"));
	container.root_fd = tree.fd;
	ck_assert_int_eq(step_env.apply(&container, &err), 0);
	ck_assert_uint_eq(container.env_len, 2);
	ck_assert_ptr_null(container.env[2]);
	ck_assert_int_eq(strncmp(container.env[1], "HOME=", 5), 0);
	snprintf(home, sizeof(home), "%s", container.env[1] + 5);
	tree_remove(&tree);
	return home;
}

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "1000:x:0:0::/trap:/bin/sh\n"
			     "# a comment\n"
			     "\n"
			     "bad:x:10x:0::/bad:/bin/sh\n"
			     "empty:x::0::/empty:/bin/sh\n"
			     "sign:x:-5:0::/sign:/bin/sh\n"
			     "big:x:4294967299:0::/big:/bin/sh\n"
			     "relative:x:7:0::home:/bin/sh\n"
			     "short:x:8:0\n"
			     "joe:x:1000:1000:Joe:/home/joe:/bin/sh\n"
			     "joe2:x:1000:1000:Joe:/home/joe2:/bin/sh\n"
			     "noshell:x:9:9::/nine";

TEST(finds_the_home_of_the_user)
{
	ck_assert_str_eq(home_of(0, passwd), "/root");
	ck_assert_str_eq(home_of(9, passwd), "/nine");
}

/* CVE-2016-3697: a name of digits is no id. */
TEST(takes_no_name_for_an_id)
{
	ck_assert_str_eq(home_of(1000, passwd), "/home/joe");
}

TEST(takes_only_whole_lines_with_clean_numbers)
{
	ck_assert_str_eq(home_of(10, passwd), "/");
	ck_assert_str_eq(home_of(5, passwd), "/");
	ck_assert_str_eq(home_of(3, passwd), "/");
	ck_assert_str_eq(home_of(7, passwd), "/");
	ck_assert_str_eq(home_of(8, passwd), "/");
	ck_assert_str_eq(home_of(0, "empty:x::0::/empty:/bin/sh\n"), "/");
}

TEST(is_at_the_root_without_an_entry_or_a_file)
{
	ck_assert_str_eq(home_of(77, passwd), "/");
	ck_assert_str_eq(home_of(77, ""), "/");
	ck_assert_str_eq(home_of(77, NULL), "/");
}

TEST(passes_by_a_line_without_end)
{
	char *text = malloc(100000);

	strcpy(text, "a:x:5:5::/");
	memset(text + 10, 'x', 50000);
	strcpy(text + 50010, ":\nb:x:6:6::/six:\n");
	ck_assert_str_eq(home_of(5, text), "/");
	ck_assert_str_eq(home_of(6, text), "/six");
	free(text);
}

/* Security: whatever lies there must not stop the runtime, or make it read for ever. */
static const char *home_beside(void (*make)(const struct tree *tree))
{
	struct tree tree = tree_make();

	user.uid = 0;
	tree_directory(&tree, "etc", 0755);
	make(&tree);
	prepare(VARIABLES("HOME="));
	container.root_fd = tree.fd;
	ck_assert_int_eq(step_env.apply(&container, &err), 0);
	ck_assert_uint_eq(container.env_len, 1);
	tree_remove(&tree);
	return container.env[0];
}

static void make_fifo(const struct tree *tree)
{
	ck_assert_int_eq(mkfifoat(tree->fd, "etc/passwd", 0644), 0);
}

static void make_directory(const struct tree *tree)
{
	tree_directory(tree, "etc/passwd", 0755);
}

static void make_link_outside(const struct tree *tree)
{
	tree_link(tree, "etc/passwd", "/proc/self/root/etc/passwd");
}

static void make_giant(const struct tree *tree)
{
	int fd = openat(tree->fd, "etc/passwd", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

	ck_assert_int_eq(ftruncate(fd, (off_t)3 << 30), 0);
	close(fd);
}

static void make_link_inside(const struct tree *tree)
{
	tree_file(tree, "users", 0644, "root:x:0:0::/inside:/bin/sh\n");
	tree_link(tree, "etc/passwd", "/users");
}

TEST(survives_whatever_lies_at_etc_passwd)
{
	ck_assert_str_eq(home_beside(make_fifo), "HOME=/");
	ck_assert_str_eq(home_beside(make_directory), "HOME=/");
	ck_assert_str_eq(home_beside(make_link_outside), "HOME=/");
	ck_assert_str_eq(home_beside(make_giant), "HOME=/");
	ck_assert_str_eq(home_beside(make_link_inside), "HOME=/inside");
}

TEST(leaves_a_home_that_is_given_alone)
{
	prepare(VARIABLES("HOME=/mine"));
	container.root_fd = -1;
	ck_assert_int_eq(step_env.apply(&container, &err), 0);
	ck_assert_str_eq(environment(), "HOME=/mine;");
}

RUN_TESTS("env", accepts_names_with_values, rejects_a_name_alone, rejects_a_value_alone,
	  lets_the_last_of_a_name_count, takes_thousands_of_variables, finds_the_home_of_the_user,
	  takes_no_name_for_an_id, takes_only_whole_lines_with_clean_numbers,
	  is_at_the_root_without_an_entry_or_a_file, passes_by_a_line_without_end,
	  survives_whatever_lies_at_etc_passwd, leaves_a_home_that_is_given_alone)
