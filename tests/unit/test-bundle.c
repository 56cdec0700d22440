#include "runtime/bundle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/log.h"
#include "tree.h"
#include "unit.h"

static struct error err;
static struct tree tree;
static struct arena arena;
static struct bundle bundle;

#define SMALLEST "{\"ociVersion\": \"1.0.0\"}"

static void begin(void)
{
	tree = tree_make();
	bundle = (struct bundle){0};
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
}

static void finish(void)
{
	arena_release(&arena);
	tree_remove(&tree);
}

static int read_it(const char *file)
{
	return bundle_read(&bundle, tree.path, file, &arena, &err);
}

/* rest follows "bundle " and the bundle's path. */
static void expect_error(const char *file, int code, const char *rest)
{
	char text[256];

	snprintf(text, sizeof(text), "bundle %s%s", tree.path, rest);
	ck_assert_int_eq(read_it(file), -code);
	ck_assert_str_eq(err.text, text);
}

TEST(reads_the_config_of_a_bundle)
{
	begin();
	tree_file(&tree, "config.json", 0644,
		  "{\"ociVersion\": \"1.2.0\", \"root\": {\"path\": \"rootfs\"}}");
	ck_assert_msg(read_it("config.json") == 0, "%s", err.text);
	ck_assert_str_eq(bundle.path, tree.path);
	ck_assert_str_eq(bundle.config->oci_version, "1.2.0");
	ck_assert_str_eq(bundle.config->root->path, "rootfs");
	finish();
}

TEST(reads_another_file_when_it_is_told_to)
{
	begin();
	tree_file(&tree, "config.json", 0644, "nonsense");
	tree_file(&tree, "other.json", 0644, SMALLEST);
	ck_assert_int_eq(read_it("other.json"), 0);
	ck_assert_str_eq(bundle.config->oci_version, "1.0.0");
	finish();
}

/* What is written down of it must mean the same to a later command, wherever that is started. */
TEST(makes_the_path_absolute)
{
	static const char *const ways[] = {"/real",	    "/link",	     "/real/",
					   "//real",	    "/./real",	     "/real/.",
					   "/real/../real", "/link/../link", "/real//."};
	char path[128], given[128];

	begin();
	tree_directory(&tree, "real", 0755);
	tree_link(&tree, "link", "real");
	tree_file(&tree, "real/config.json", 0644, SMALLEST);
	snprintf(path, sizeof(path), "%s/real", tree.path);
	ck_assert_int_eq(chdir(tree.path), 0);
	ck_assert_int_eq(bundle_read(&bundle, "./link/../real//", "config.json", &arena, &err), 0);
	ck_assert_str_eq(bundle.path, path);
	ck_assert_int_eq(bundle_read(&bundle, "link", "config.json", &arena, &err), 0);
	ck_assert_str_eq(bundle.path, path);
	ck_assert(bundle.path >= arena.start && bundle.path < arena.start + arena.used);
	ck_assert_int_eq(chdir("/"), 0);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		snprintf(given, sizeof(given), "%s%s", tree.path, ways[i]);
		ck_assert_int_eq(bundle_read(&bundle, given, "config.json", &arena, &err), 0);
		ck_assert_str_eq(bundle.path, path);
	}
	finish();
}

TEST(explains_what_a_bundle_is_when_there_is_none)
{
	begin();
	expect_error("config.json", ENOENT, ": open config.json: no such file or directory");
	ck_assert_str_eq(err.hint, "a bundle is a directory with a config.json; \"proa spec\" "
				   "writes one to begin with");
	finish();
}

TEST(tells_that_there_is_no_such_directory)
{
	char path[128], text[256];

	begin();
	snprintf(path, sizeof(path), "%s/none", tree.path);
	snprintf(text, sizeof(text), "bundle %s: no such file or directory", path);
	ck_assert_int_eq(bundle_read(&bundle, path, "config.json", &arena, &err), -ENOENT);
	ck_assert_str_eq(err.text, text);
	tree_file(&tree, "none", 0644, "");
	snprintf(text, sizeof(text), "bundle %s: not a directory", path);
	ck_assert_int_eq(bundle_read(&bundle, path, "config.json", &arena, &err), -ENOTDIR);
	ck_assert_str_eq(err.text, text);
	finish();
}

TEST(reads_nothing_but_a_regular_file)
{
	begin();
	tree_directory(&tree, "folder", 0755);
	expect_error("folder", EISDIR, ": read folder: is a directory");
	ck_assert_str_eq(err.hint, "");
	ck_assert_int_eq(mkfifoat(tree.fd, "fifo", 0644), 0);
	expect_error("fifo", EINVAL, ": fifo is not a regular file");
	finish();
}

TEST(tells_the_place_of_a_mistake)
{
	begin();
	tree_file(&tree, "config.json", 0644, "{\"ociVersion\": \"1.0.0\",\n \"hostname\": 5}");
	ck_assert_int_eq(read_it("config.json"), -EINVAL);
	ck_assert_str_eq(err.text, "config.json:2:14: hostname: expected a string, found 5");
	ck_assert_ptr_null(bundle.config);
	finish();
}

static char logged[256];

static void keep_line(enum log_level level, const char *message, void *context)
{
	(void)level, (void)context;
	snprintf(logged, sizeof(logged), "%s", message);
}

/* Not an error, by the specification; but the user may have mistyped. */
TEST(mentions_keys_that_it_does_not_know)
{
	begin();
	log_set_level(LOG_LEVEL_DEBUG);
	log_set_sink(keep_line, NULL);
	tree_file(&tree, "config.json", 0644, "{\"ociVersion\": \"1.0.0\", \"x\": 1, \"y\": {}}");
	ck_assert_int_eq(read_it("config.json"), 0);
	ck_assert_str_eq(logged, "config.json: 2 unknown keys are ignored, the first is x");
	finish();
}

RUN_TESTS("bundle", reads_the_config_of_a_bundle, reads_another_file_when_it_is_told_to,
	  makes_the_path_absolute, explains_what_a_bundle_is_when_there_is_none,
	  tells_that_there_is_no_such_directory, reads_nothing_but_a_regular_file,
	  tells_the_place_of_a_mistake, mentions_keys_that_it_does_not_know)
