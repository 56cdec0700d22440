#include "cgroup/undo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/file.h"
#include "tree.h"
#include "unit.h"

/* Ordinary files stand in for a cgroup's: they keep what stands behind what is written over them. */

static struct error err;
static struct tree tree;
static struct undo undo;

static const char *path_of(const char *file)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", tree.path, file);
	return path;
}

/* What is written to a file that holds content, to go back from a write of value. */
static void expect_back(const char *file, const char *content, const char *value, const char *back)
{
	char text[256];

	tree = tree_make();
	tree_file(&tree, file, 0600, content);
	ck_assert_int_eq(undo_note(&undo, path_of(file), value, &err), 0);
	ck_assert_uint_eq(undo.count, 1);
	ck_assert_int_eq(truncate(path_of(file), 0), 0);
	ck_assert_int_eq(undo_all(&undo, &err), 0);
	ck_assert_int_ge(file_read_small(tree.fd, file, text, sizeof(text)), 0);
	ck_assert_str_eq(text, back);
	tree_remove(&tree);
	undo_release(&undo);
}

TEST(writes_a_single_value_as_it_was)
{
	expect_back("memory.max", "max\n", "4096", "max");
	expect_back("cpu.max", "50000 100000\n", "max", "50000 100000");
	expect_back("cpuset.cpus", "\n", "0", "\n");
}

TEST(writes_the_line_of_the_device_alone)
{
	const char *io = "8:0 rbps=1 wbps=max riops=max wiops=max\n8:16 rbps=2\n";

	expect_back("io.max", io, "8:16 rbps=7", "8:16 rbps=2");
	expect_back("io.max", io, "8:1 rbps=7", "8:1 rbps=max wbps=max riops=max wiops=max");
	expect_back("io.weight", "default 100\n", "70", "default 100");
	expect_back("io.weight", "8:0 50\n8:1 50\n", "70", "8:1 50");
	expect_back("io.weight", "default 100\n8:0 50\n", "8:0 70", "8:0 50");
	expect_back("io.bfq.weight", "default 100\n", "8:0 70", "8:0 default");
	expect_back("rdma.max", "", "mlx hca_handle=1", "mlx hca_handle=max hca_object=max");
	expect_back("blkio.throttle.read_bps_device", "8:0 5\n", "8:16 1", "8:16 0");
	expect_back("net_prio.ifpriomap", "lo 5\neth0 0\n", "lo 1", "lo 5");
}

TEST(writes_what_version_1_takes_and_not_what_it_tells)
{
	expect_back("memory.oom_control", "oom_kill_disable 1\nunder_oom 0\n", "0", "1");
	expect_back("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n", "1", "0");
}

TEST(goes_back_in_the_opposite_order_and_past_a_failure)
{
	char text[32];

	tree = tree_make();
	tree_file(&tree, "a", 0600, "1");
	tree_file(&tree, "b", 0600, "2");
	ck_assert_int_eq(undo_note(&undo, path_of("a"), "3", &err), 0);
	ck_assert_int_eq(file_write(tree.fd, "a", "3"), 0);
	ck_assert_int_eq(undo_note(&undo, path_of("b"), "4", &err), 0);
	ck_assert_int_eq(undo_note(&undo, path_of("a"), "5", &err), 0);
	ck_assert_int_eq(file_write(tree.fd, "a", "5"), 0);
	ck_assert_int_eq(unlinkat(tree.fd, "b", 0), 0);
	ck_assert_int_eq(undo_all(&undo, &err), -ENOENT);
	snprintf(text, sizeof(text), "%s", strrchr(err.text, '/'));
	ck_assert_str_eq(text, "/b is gone");
	(void)file_read_small(tree.fd, "a", text, sizeof(text));
	ck_assert_str_eq(text, "1");
	tree_remove(&tree);
	undo_release(&undo);
}

TEST(remembers_nothing_of_what_cannot_be_read)
{
	tree = tree_make();
	ck_assert_int_eq(undo_note(&undo, path_of("memory.reclaim"), "1", &err), 0);
	ck_assert_uint_eq(undo.count, 0);
	tree_file(&tree, "a", 0600, "1");
	ck_assert_int_eq(undo_note(&undo, path_of("a"), "3", &err), 0);
	undo_forget(&undo, 0);
	ck_assert_uint_eq(undo.count, 0);
	tree_remove(&tree);
	undo_release(&undo);
}

RUN_TESTS("cgroup-undo", writes_a_single_value_as_it_was, writes_the_line_of_the_device_alone,
	  writes_what_version_1_takes_and_not_what_it_tells,
	  goes_back_in_the_opposite_order_and_past_a_failure,
	  remembers_nothing_of_what_cannot_be_read)
