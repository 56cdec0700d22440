#include "linux/annotations.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "basic/log.h"
#include "linux/section.h"
#include "tree.h"
#include "unit.h"

static struct error err;

TEST(accepts_none_and_empty_values)
{
	struct oci_pair annotations[] = {{"org.example.a", ""}, {"b", "c"}};
	const struct oci_config none = {.annotations = NULL};
	const struct oci_config some = {.annotations = annotations, .annotations_len = 2};

	ck_assert_int_eq(section_annotations.validate(&none, &err), 0);
	ck_assert_int_eq(section_annotations.validate(&some, &err), 0);
}

TEST(rejects_an_empty_key)
{
	struct oci_pair annotations[] = {{"a", "b"}, {"", "c"}};
	const struct oci_config config = {.annotations = annotations, .annotations_len = 2};

	ck_assert_int_eq(section_annotations.validate(&config, &err), -EINVAL);
	ck_assert_str_eq(err.text, "annotations: a key is empty");
}

TEST(refuses_what_other_runtimes_do_when_told_so)
{
	struct oci_pair annotations[] = {{"run.oci.handler", "krun"}};
	const struct oci_config config = {.annotations = annotations, .annotations_len = 1};

	ck_assert_int_eq(section_annotations.validate(&config, &err), -EINVAL);
	ck_assert_str_eq(err.text,
			 "annotations[\"run.oci.handler\"]: this version has no code for it");
	ck_assert_str_eq(err.hint, "remove it to run the container without");
	annotations[0].value = "";
	ck_assert_int_eq(section_annotations.validate(&config, &err), 0);
}

TEST(refuses_a_delegated_cgroup_that_is_elsewhere)
{
	struct oci_pair annotations[] = {{"run.oci.delegate-cgroup", "../other"}};
	const struct oci_config config = {.annotations = annotations, .annotations_len = 1};

	ck_assert_int_eq(section_annotations.validate(&config, &err), -EINVAL);
	ck_assert_str_eq(err.text, "annotations[\"run.oci.delegate-cgroup\"]: \"../other\" is no "
				   "name of a cgroup");
	annotations[0].value = "inner";
	ck_assert_int_eq(section_annotations.validate(&config, &err), 0);
}

TEST(finds_what_is_there)
{
	struct oci_pair annotations[] = {{"a", "1"}, {"b", ""}, {"c", "0"}};
	const struct oci_config config = {.annotations = annotations, .annotations_len = 3};

	ck_assert_str_eq(annotation_find(&config, "a"), "1");
	ck_assert_str_eq(annotation_find(&config, "b"), "");
	ck_assert_ptr_null(annotation_find(&config, "d"));
	ck_assert_ptr_null(annotation_find(&(struct oci_config){0}, "a"));
	ck_assert(annotation_is_set(&config, "a"));
	ck_assert(annotation_is_set(&config, "b"));
	ck_assert(!annotation_is_set(&config, "c"));
	ck_assert(!annotation_is_set(&config, "d"));
}

/* -- run.oci.pidfd_receiver -------------------------------------------------------------------- */

static struct oci_pair receiver = {.key = "run.oci.pidfd_receiver"};
static const struct oci_config with_receiver = {.annotations = &receiver, .annotations_len = 1};
static const struct container container = {.config = &with_receiver};

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

TEST(sends_a_pidfd_of_init)
{
	struct tree tree = tree_make();
	char path[128], info[64], text[512], line[32], word[16] = "";
	struct iovec part = {.iov_base = word, .iov_len = sizeof(word) - 1};
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr header = {.msg_iov = &part,
				.msg_iovlen = 1,
				.msg_control = control.bytes,
				.msg_controllen = sizeof(control.bytes)};
	int server, connection, pidfd;
	FILE *file;

	snprintf(path, sizeof(path), "%s/socket", tree.path);
	receiver.value = path;
	server = listen_at(path);
	ck_assert_msg(section_annotations.attach(&container, getpid(), &err) == 0, "%s", err.text);
	connection = accept(server, NULL, NULL);
	ck_assert_int_eq(recvmsg(connection, &header, 0), 8);
	ck_assert_str_eq(word, "standard");
	memcpy(&pidfd, CMSG_DATA(&control.align), sizeof(pidfd));
	snprintf(info, sizeof(info), "/proc/self/fdinfo/%d", pidfd);
	file = fopen(info, "re");
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	snprintf(line, sizeof(line), "Pid:\t%d\n", getpid());
	ck_assert_ptr_nonnull(strstr(text, line));
	close(pidfd);
	close(connection);
	close(server);
	tree_remove(&tree);
}

TEST(tells_that_nobody_takes_the_pidfd)
{
	receiver.value = "/nowhere/socket";
	ck_assert_int_eq(section_annotations.attach(&container, getpid(), &err), -ENOENT);
	ck_assert_str_eq(err.text, "annotations[\"run.oci.pidfd_receiver\"]: nobody listens on "
				   "/nowhere/socket");
	receiver.value = "socket";
	ck_assert_int_eq(section_annotations.validate(&with_receiver, &err), -EINVAL);
	ck_assert_str_eq(err.text, "annotations[\"run.oci.pidfd_receiver\"]: \"socket\" is not "
				   "absolute");
}

/* -- org.systemd.property.* --------------------------------------------------------------------- */

TEST(checks_the_properties_of_a_systemd_unit)
{
	struct oci_pair annotations[] = {{"org.systemd.property.KillSignal", "15"},
					 {"org.criu.config", "/etc/criu.conf"},
					 {"org.systemd.property.After", "['a']"}};
	const struct oci_config config = {.annotations = annotations, .annotations_len = 3};

	ck_assert_msg(section_annotations.validate(&config, &err) == 0, "%s", err.text);
	annotations[2].value = "crio.service";
	ck_assert_int_eq(section_annotations.validate(&config, &err), -EINVAL);
	ck_assert_str_eq(err.text,
			 "annotations[\"org.systemd.property.After\"]: at byte 0: expected a "
			 "value");
}

RUN_TESTS("annotations", accepts_none_and_empty_values, rejects_an_empty_key,
	  refuses_what_other_runtimes_do_when_told_so, refuses_a_delegated_cgroup_that_is_elsewhere,
	  finds_what_is_there, sends_a_pidfd_of_init, tells_that_nobody_takes_the_pidfd,
	  checks_the_properties_of_a_systemd_unit)
