/*
 * process.terminal: the container's program gets a terminal of the container's own.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#process
 *	pty(7), ioctl_tty(2), devpts in mount(8)
 *
 * The terminal is made in the container's devpts, so that its name is right in there.  The program's side
 * is opened through the other side and not by its name, and /dev/console is made without following
 * anything: both names lie in a directory that another container may be changing.  It comes after the
 * mounts and the devices, and before the program's ids are taken, for whom the terminal is then.
 *
 * From here on init's own standard streams are the terminal.  The other side waits in console_fd to be
 * sent to whom the caller named.
 */
#include <errno.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <termios.h>

#include "basic/cleanup.h"
#include "basic/inside.h"
#include "basic/syscalls.h"
#include "linux/mounts.h"
#include "linux/section.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

enum { MOST_CELLS = 0xffff };

static int terminal_validate(const struct oci_config *config, struct error *err)
{
	const struct oci_process *process = config->process;

	if (!process || !process->terminal || !process->console_size)
		return 0;
	if (process->console_size->height > MOST_CELLS || process->console_size->width > MOST_CELLS)
		return error_config(err, "process.consoleSize: %ux%u is more than a terminal has",
				    process->console_size->width, process->console_size->height);
	return 0;
}

/* The container's own multiplexer; anything else by that name could be the host's, or a trap. */
static int open_multiplexer(int root, struct error *err)
{
	int fd = inside_try(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY);
	struct statfs status;
	struct stat node;

	if (fd < 0) {
		error_errno(err, -fd, "open /dev/pts/ptmx in the container");
		return error_hint(err, "a terminal needs a mount of type devpts on /dev/pts, with "
				       "newinstance and ptmxmode=0666");
	}
	if (fstatfs(fd, &status) == 0 && status.f_type == DEVPTS_SUPER_MAGIC &&
	    fstat(fd, &node) == 0 && S_ISCHR(node.st_mode) && node.st_rdev == makedev(5, 2))
		return fd;
	close(fd);
	return error_config(err, "/dev/pts in the container is no devpts");
}

static int set_size(int multiplexer, const struct oci_box *size, struct error *err)
{
	const struct winsize cells = {
		.ws_row = size ? (unsigned short)size->height : 0,
		.ws_col = size ? (unsigned short)size->width : 0,
	};

	if (size && ioctl(multiplexer, TIOCSWINSZ, &cells) < 0)
		return error_errno(err, errno, "set the terminal's size");
	return 0;
}

/* The side that the container's program uses. */
static int open_terminal(int multiplexer, struct error *err)
{
	int unlock = 0, fd;

	if (ioctl(multiplexer, TIOCSPTLCK, &unlock) < 0)
		return error_errno(err, errno, "unlock the terminal");
	fd = ioctl(multiplexer, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return fd >= 0 ? fd : error_errno(err, errno, "open the terminal");
}

/* Opens the place of /dev/console, making an empty file if there is nothing. */
static int open_console_place(int root, struct error *err)
{
	autoclose int dev = mount_real_directory(root, "/dev", err);
	autoclose int made = -1;
	struct stat status;
	int fd;

	if (dev < 0)
		return dev;
	made = openat(dev, "console", O_CREAT | O_EXCL | O_WRONLY | O_NOCTTY | O_CLOEXEC, 0600);
	if (made < 0 && errno != EEXIST)
		return error_errno(err, errno, "make /dev/console in the container");
	fd = openat(dev, "console", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0) {
		close_fd(&fd);
		return error_errno(err, errno, "open /dev/console in the container");
	}
	if (!S_ISLNK(status.st_mode) && !S_ISDIR(status.st_mode))
		return fd;
	close(fd);
	return error_config(err, "/dev/console in the container is a symbolic link or a directory");
}

static int bind_console(int root, int terminal, struct error *err)
{
	autoclose int place = open_console_place(root, err);
	autoclose int tree = -1;

	if (place < 0)
		return place;
	tree = sys_open_tree(terminal, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
	if (tree < 0 || sys_move_mount(tree, place) < 0)
		return error_errno(err, errno, "bind the terminal to /dev/console");
	return 0;
}

/* Makes standard input the terminal that interrupts this process. */
static int take_control(struct error *err)
{
	if (setsid() < 0 && getsid(0) != getpid())
		return error_errno(err, errno, "begin a session");
	if (ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
		return error_errno(err, errno, "take control of the terminal");
	return 0;
}

/* In exec it is another process, the next, that is controlled by it. */
static int take_over(const struct container *container, int terminal, struct error *err)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(terminal, fd) < 0)
			return error_errno(err, errno, "use the terminal");
	return container->exec ? 0 : take_control(err);
}

static int make_terminal(struct container *container, struct error *err)
{
	const struct oci_process *process = container->config->process;
	autoclose int multiplexer = open_multiplexer(container->root_fd, err);
	autoclose int terminal = -1;

	if (multiplexer < 0)
		return multiplexer;
	terminal = open_terminal(multiplexer, err);
	if (terminal < 0)
		return terminal;
	if (set_size(multiplexer, process->console_size, err) < 0)
		return -err->code;
	/* A devpts of another user namespace may not know the user; then its mode has to do. */
	if (fchown(terminal, process->user->uid, (gid_t)-1) < 0 && errno != EPERM &&
	    errno != EROFS && errno != EINVAL)
		return error_errno(err, errno, "give the terminal to user %u", process->user->uid);
	/* Only in a mount namespace that nobody else uses. */
	if ((container->new_namespaces & CLONE_NEWNS) &&
	    bind_console(container->root_fd, terminal, err) < 0)
		return -err->code;
	if (take_over(container, terminal, err) < 0)
		return -err->code;
	container->console_fd = take_fd(&multiplexer);
	return 0;
}

static int terminal_apply(struct container *container, struct error *err)
{
	const struct oci_process *process = container->config->process;

	container->console_fd = -1;
	if (!process || !process->terminal)
		return 0;
	return make_terminal(container, err) < 0 ? error_in(err, "process.terminal") : 0;
}

/* A session of its own it gets without a terminal, too: the caller's is not the container's to control, or to
 * type into. */
static int terminal_control(struct container *container, struct error *err)
{
	if (container->config->process->terminal)
		return take_control(err) < 0 ? error_in(err, "process.terminal") : 0;
	setsid();
	return 0;
}

const struct section section_terminal = {
	.path = "process.terminal",
	.validate = terminal_validate,
};

const struct step step_terminal_control = {
	.name = "process.terminal: control",
	.apply = terminal_control,
};

const struct step step_terminal = {
	.name = "process.terminal",
	.apply = terminal_apply,
};
