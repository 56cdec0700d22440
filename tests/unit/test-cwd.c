#include <errno.h>
#include <grp.h>

#include "child.h"
#include "linux/section.h"
#include "tree.h"
#include "unit.h"

static struct error err;
static struct oci_process process;
static const struct oci_config config = {.process = &process};

TEST(accepts_absolute_paths_only)
{
	ck_assert_int_eq(section_cwd.validate(&(struct oci_config){0}, &err), 0);
	process.cwd = "/";
	ck_assert_int_eq(section_cwd.validate(&config, &err), 0);
	process.cwd = "tmp";
	ck_assert_int_eq(section_cwd.validate(&config, &err), -EINVAL);
	ck_assert_str_eq(err.text, "process.cwd: \"tmp\" is not an absolute path");
	ck_assert_str_eq(err.hint, "it is a path in the container and begins with /");
	process.cwd = "";
	ck_assert_int_eq(section_cwd.validate(&config, &err), -EINVAL);
}

/* What a child does: both steps, as root or with the switch to a plain user between them. */
struct trial {
	struct container container;
	uid_t uid;
	const char *root;     /* to chroot(2) to beforehand, or NULL */
	const char *expected; /* where it must be then */
};

static int apply(void *context, struct error *e)
{
	struct trial *trial = context;
	char where[PATH_MAX];

	skip_unless(trial->uid == 0 || geteuid() == 0);
	skip_unless(!trial->root || chroot(trial->root) == 0);
	if (step_cwd_make.apply(&trial->container, e) < 0)
		return -e->code;
	if (trial->uid)
		skip_unless(setgroups(0, NULL) == 0 &&
			    setresgid(trial->uid, trial->uid, trial->uid) == 0 &&
			    setresuid(trial->uid, trial->uid, trial->uid) == 0);
	if (step_cwd.apply(&trial->container, e) < 0)
		return -e->code;
	return !getcwd(where, sizeof(where)) || strcmp(where, trial->expected) != 0;
}

/* The result of entering cwd in the tree, as user uid; expected is below the tree. */
static int enter(const struct tree *tree, const char *cwd, uid_t uid, const char *expected)
{
	char where[PATH_MAX];
	struct trial trial = {
		.container = {.config = &config, .root_fd = tree->fd},
		.uid = uid,
		.expected = where,
	};
	int r;

	snprintf(where, sizeof(where), "%s%s", tree->path, expected);
	process.cwd = cwd;
	r = in_child(apply, &trial, &err);
	return r == CHILD_SKIPPED ? 0 : r;
}

TEST(enters_a_directory_in_the_root)
{
	struct tree tree = tree_make();

	tree_directory(&tree, "srv", 0755);
	tree_link(&tree, "link", "/srv");
	tree_link(&tree, "up", "../../../srv");
	ck_assert_int_eq(enter(&tree, "/srv", 0, "/srv"), 0);
	ck_assert_int_eq(enter(&tree, "/link", 0, "/srv"), 0);
	ck_assert_int_eq(enter(&tree, "/up", 0, "/srv"), 0);
	ck_assert_int_eq(enter(&tree, "/../../srv", 0, "/srv"), 0);
	ck_assert_int_eq(enter(&tree, "/", 0, ""), 0);
	tree_remove(&tree);
}

TEST(makes_what_is_missing)
{
	struct tree tree = tree_make();
	struct stat status;

	umask(0);
	ck_assert_int_eq(enter(&tree, "/a/b/c", 0, "/a/b/c"), 0);
	ck_assert_int_eq(fstatat(tree.fd, "a/b/c", &status, 0), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0755);
	tree_remove(&tree);
}

TEST(rejects_what_is_no_directory)
{
	struct tree tree = tree_make();

	tree_file(&tree, "file", 0644, "");
	ck_assert_int_eq(enter(&tree, "/file", 0, ""), -EINVAL);
	ck_assert_str_eq(err.text, "process.cwd: \"/file\" is not a directory");
	tree_remove(&tree);
}

TEST(lets_root_enter_for_the_user)
{
	struct tree tree = tree_make();

	tree_directory(&tree, "root", 0700);
	ck_assert_int_eq(enter(&tree, "/root", 1000, "/root"), 0);
	tree_remove(&tree);
}

/* CVE-2024-21626: a file descriptor of a directory outside, reached through /proc. */
TEST(rejects_a_way_through_a_file_descriptor)
{
	char path[64];
	struct tree host = {.path = "", .fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};

	snprintf(path, sizeof(path), "/proc/self/fd/%d/usr", host.fd);
	ck_assert_int_eq(enter(&host, path, 0, ""), -EINVAL);
	ck_assert_str_eq(err.text + strlen("process.cwd: \"") + strlen(path),
			 "\" leads through a link that has no end, or out of the container");
	close(host.fd);
}

TEST(rejects_a_directory_that_is_not_below_the_root)
{
	struct tree outside = tree_make(), root = tree_make();
	struct trial trial = {
		.container = {.config = &config, .root_fd = outside.fd},
		.root = root.path,
		.expected = "",
	};
	int r;

	process.cwd = "/";
	r = in_child(apply, &trial, &err);
	if (r != CHILD_SKIPPED) {
		ck_assert_int_eq(r, -EINVAL);
		ck_assert_str_eq(err.text, "process.cwd: \"/\" is not below the container's root");
	}
	tree_remove(&root);
	tree_remove(&outside);
}

RUN_TESTS("cwd", accepts_absolute_paths_only, enters_a_directory_in_the_root, makes_what_is_missing,
	  rejects_what_is_no_directory, lets_root_enter_for_the_user,
	  rejects_a_way_through_a_file_descriptor, rejects_a_directory_that_is_not_below_the_root)
