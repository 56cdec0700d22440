#include "linux/lsm-attribute.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attributes.h"
#include "unit.h"

static struct error err;
static char text[64];

TEST(writes_and_reads_an_attribute)
{
	struct attributes proc;

	attributes_begin(&proc);
	ck_assert_int_eq(lsm_attribute_write(proc.fd, "exec", "a label"), 0);
	ck_assert_int_eq(lsm_attribute_read(proc.fd, "exec", text, sizeof(text)), 0);
	ck_assert_str_eq(text, "a label");
	attributes_end(&proc);
}

TEST(reads_without_the_end_that_modules_put_there)
{
	struct attributes proc;

	attributes_begin(&proc);
	attributes_put(&proc, "current", "docker-default (enforce)\n");
	ck_assert_int_eq(lsm_attribute_read(proc.fd, "current", text, sizeof(text)), 0);
	ck_assert_str_eq(text, "docker-default (enforce)");
	ck_assert_int_eq(lsm_attribute_read(proc.fd, "exec", text, sizeof(text)), 0);
	ck_assert_str_eq(text, "");
	ck_assert_int_eq(lsm_attribute_read(proc.fd, "current", text, 7), 0);
	ck_assert_str_eq(text, "docker");
	attributes_end(&proc);
}

TEST(knows_which_there_are)
{
	struct attributes proc;

	attributes_begin(&proc);
	ck_assert(lsm_attribute_exists(proc.fd, "apparmor/exec"));
	ck_assert(!lsm_attribute_exists(proc.fd, "smack/exec"));
	ck_assert_int_eq(lsm_attribute_write(proc.fd, "smack/exec", "x"), -ENOENT);
	ck_assert_int_eq(lsm_attribute_read(proc.fd, "smack/exec", text, sizeof(text)), -ENOENT);
	ck_assert_str_eq(text, "");
	attributes_end(&proc);
}

/* What somebody in the container would like: that the label goes elsewhere. */
TEST(follows_no_link_that_leads_out)
{
	struct attributes proc;

	attributes_begin(&proc);
	ck_assert_int_eq(unlinkat(proc.fd, "self/attr/exec", 0), 0);
	ck_assert_int_eq(symlinkat("/dev/null", proc.fd, "self/attr/exec"), 0);
	ck_assert_int_eq(lsm_attribute_write(proc.fd, "exec", "x"), -EXDEV);
	attributes_end(&proc);
}

TEST(reads_what_the_kernel_has)
{
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	ck_assert(lsm_attribute_exists(proc, "current"));
	/* Without a module that has attributes the kernel refuses. */
	if (lsm_attribute_read(proc, "current", text, sizeof(text)) < 0)
		ck_assert_int_eq(lsm_attribute_write(proc, "exec", "x"), -EINVAL);
	close(proc);
}

TEST(tells_the_path_in_back_ticks)
{
	ck_assert_int_eq(lsm_attribute_error(&err, EPERM, "apparmor/exec"), -EPERM);
	ck_assert_str_eq(err.text,
			 "write `/proc/self/attr/apparmor/exec`: operation not permitted");
}

RUN_TESTS("lsm-attribute", writes_and_reads_an_attribute,
	  reads_without_the_end_that_modules_put_there, knows_which_there_are,
	  follows_no_link_that_leads_out, reads_what_the_kernel_has, tells_the_path_in_back_ticks)
