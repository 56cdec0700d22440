/*
 * The floor: the work that the kernel has with a container, asked for by a program that has nothing else to do.
 * No configuration is read, nothing is checked, and what fails ends it: what a runtime takes beyond this is its
 * own.  The plan is that of bundles.py.
 *
 *	floor [-t] run SHAPE ROOTFS FILES STATE FILTER NETWORK CGROUP...
 *	floor exec PID FILTER CGROUP...
 *	floor state STATE PID
 *	floor kill STATE PID
 *
 * SHAPE is minimal or podman.  NETWORK is a network namespace to join, or new.  Of the CGROUPs, directories to be
 * made, the first is version 2's or all are of version 1.  FILTER is a seccomp filter.  -t tells how long each
 * part took.  No C library; x86-64.
 */
#include "bare.h"

#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/filter.h>
#include <linux/if.h>
#include <linux/mount.h>
#include <linux/nsfs.h>
#include <linux/openat2.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <linux/stat.h>
#include <linux/wait.h>
#include <stdbool.h>
#include <time.h>

enum {
	MOST_PARTS = 32,
	DETACH = 2, /* of umount2(2) */
	UNIX = 1,
	INTERNET = 2,
	DATAGRAM = 2,
	PACKETS = 5,
	KILL = 9,
	CHILD_ENDED = 17,
	QUIET = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
	CHARACTERS = 0020000, /* S_IFCHR */
	DIRECTORY = 0040000,
	KIND = 0170000,
};

struct file_system {
	const char *kind, *place;
	unsigned int attributes;
	bool make;
	const char *options[8]; /* a name and its value, or NULL for a flag */
};

static const struct file_system file_systems[] = {
	{"proc", "proc", QUIET, false, {NULL}},
	{"tmpfs",
	 "dev",
	 MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME,
	 false,
	 {"mode", "755", "size", "65536k"}},
	{"sysfs", "sys", QUIET | MOUNT_ATTR_RDONLY, false, {NULL}},
	{"devpts",
	 "dev/pts",
	 MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
	 true,
	 {"ptmxmode", "0666", "mode", "0620", "gid", "5"}},
	{"mqueue", "dev/mqueue", QUIET, true, {NULL}},
};
static const struct file_system shared_memory = {
	"tmpfs", "dev/shm", QUIET, true, {"mode", "1777", "size", "65536k"}};
static const struct file_system cgroup2 = {
	"cgroup2", "sys/fs/cgroup", QUIET | MOUNT_ATTR_RDONLY, false, {NULL}};
static const struct file_system cgroup1 = {"tmpfs", "sys/fs/cgroup", QUIET, false, {NULL}};
static const struct file_system nothing = {"tmpfs", "", MOUNT_ATTR_RDONLY, false, {NULL}};

/* Names in FILES, and where they go. */
static const char *const binds[][2] = {
	{".containerenv", "run/.containerenv"},
	{"hostname", "etc/hostname"},
	{"hosts", "etc/hosts"},
	{"resolv.conf", "etc/resolv.conf"},
	{"shm", "dev/shm"},
};
static const char *const masked[] = {
	"proc/acpi",	   "proc/kcore",       "proc/keys",	   "proc/latency_stats",
	"proc/timer_list", "proc/timer_stats", "proc/sched_debug", "proc/scsi",
	"sys/firmware",	   "sys/fs/selinux",   "sys/dev/block",
};
static const char *const readonly[] = {"proc/asound", "proc/bus", "proc/fs",
				       "proc/irq",    "proc/sys", "proc/sysrq-trigger"};
static const struct {
	const char *name;
	long device;
} nodes[] = {{"null", 0x103}, {"zero", 0x105},	 {"full", 0x107},
	     {"tty", 0x500},  {"random", 0x108}, {"urandom", 0x109}};
static const char *const links[][2] = {
	{"/proc/self/fd", "fd"},       {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
	{"/proc/self/fd/2", "stderr"}, {"/proc/kcore", "core"},	     {"pts/ptmx", "ptmx"},
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static struct {
	const char *rootfs, *files, *state, *network;
	const char **cgroups; /* ended by NULL */
	bool engine;	      /* as Podman has it, not minimal */
	bool v2, told;
	struct sock_fprog filter;
	long kernels_mounts;
} plan;

static struct sock_filter filter[4096];

static struct {
	const char *name;
	long nanoseconds;
} parts[MOST_PARTS];
static int parts_len;

static void part(const char *name)
{
	struct timespec now;

	if (!plan.told || parts_len == MOST_PARTS)
		return;
	call(SYS_clock_gettime, CLOCK_MONOTONIC, address(&now));
	parts[parts_len].name = name;
	parts[parts_len++].nanoseconds = now.tv_sec * 1000000000L + now.tv_nsec;
}

static void tell_parts(void)
{
	for (int i = 1; i < parts_len; i++) {
		say_number(parts[i].nanoseconds - parts[i - 1].nanoseconds);
		say(" ");
		say(parts[i].name);
		say("\n");
	}
}

static long open_in_root(long root, const char *path)
{
	const struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};

	return call(SYS_openat2, root, address(path), address(&how), sizeof(how));
}

static long clone_tree(long folder, const char *path, uint64_t attributes)
{
	const struct mount_attr change = {.attr_set = attributes, .propagation = MS_PRIVATE};
	long flags =
		OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | (*path ? 0 : AT_EMPTY_PATH);
	long tree = must(path, call(SYS_open_tree, folder, address(path), flags));

	must("mount_setattr", call(SYS_mount_setattr, tree, address(""),
				   AT_EMPTY_PATH | AT_RECURSIVE, address(&change), sizeof(change)));
	return tree;
}

static void attach(long tree, long place)
{
	must("move_mount", call(SYS_move_mount, tree, address(""), place, address(""),
				MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
	call(SYS_close, place);
	call(SYS_close, tree);
}

static long make_file_system(const struct file_system *wanted)
{
	long context = must(wanted->kind, call(SYS_fsopen, address(wanted->kind), FSOPEN_CLOEXEC));
	long tree;

	for (size_t i = 0; wanted->options[i]; i += 2)
		must(wanted->options[i],
		     call(SYS_fsconfig, context, FSCONFIG_SET_STRING, address(wanted->options[i]),
			  address(wanted->options[i + 1])));
	must(wanted->kind, call(SYS_fsconfig, context, FSCONFIG_CMD_CREATE));
	tree = must(wanted->kind, call(SYS_fsmount, context, FSMOUNT_CLOEXEC, wanted->attributes));
	call(SYS_close, context);
	return tree;
}

static void mount_at(long root, const struct file_system *wanted)
{
	long tree = make_file_system(wanted);

	if (wanted->make)
		call(SYS_mkdirat, root, address(wanted->place), 0755);
	attach(tree, must(wanted->place, open_in_root(root, wanted->place)));
}

/* A folder for each hierarchy, with the container's own directory bound to it. */
static void mount_hierarchies(long root, const long *trees)
{
	char name[] = "sys/fs/cgroup/a";

	mount_at(root, &cgroup1);
	for (int i = 0; plan.cgroups[i]; i++, name[sizeof(name) - 2]++) {
		must(name, call(SYS_mkdirat, root, address(name), 0755));
		attach(trees[i], must(name, open_in_root(root, name)));
	}
}

static void mount_engines(long root, const long *sources, const long *hierarchies)
{
	for (size_t i = 0; i < COUNT(binds); i++) {
		if (i == COUNT(binds) - 1)
			call(SYS_mkdirat, root, address(binds[i][1]), 0755);
		attach(sources[i], must(binds[i][1], open_in_root(root, binds[i][1])));
	}
	if (plan.v2)
		mount_at(root, &cgroup2);
	else
		mount_hierarchies(root, hierarchies);
}

static void make_nodes(long root)
{
	long folder = must("dev", open_in_root(root, "dev"));

	for (size_t i = 0; i < COUNT(nodes); i++)
		must(nodes[i].name, call(SYS_mknodat, folder, address(nodes[i].name),
					 CHARACTERS | 0666, nodes[i].device));
	for (size_t i = 0; i < COUNT(links); i++)
		must(links[i][1],
		     call(SYS_symlinkat, address(links[i][0]), folder, address(links[i][1])));
	call(SYS_close, folder);
}

static bool is_directory(long fd)
{
	struct statx status;

	must("statx",
	     call(SYS_statx, fd, address(""), AT_EMPTY_PATH, STATX_TYPE, address(&status)));
	return (status.stx_mode & KIND) == DIRECTORY;
}

static void hide(long root, long null)
{
	long covers[] = {null, make_file_system(&nothing)}; /* for files and directories */
	bool used[COUNT(covers)] = {false};

	for (size_t i = 0; i < COUNT(masked); i++) {
		long place = open_in_root(root, masked[i]);
		bool is = place >= 0 && is_directory(place);

		if (place < 0)
			continue;
		attach(used[is] ? clone_tree(covers[is], "", 0) : call(SYS_dup, covers[is]), place);
		used[is] = true;
	}
	for (size_t i = 0; i < COUNT(readonly); i++) {
		long place = open_in_root(root, readonly[i]);

		if (place >= 0)
			attach(clone_tree(place, "", MOUNT_ATTR_RDONLY), place);
	}
}

static void set_up_network(void)
{
	struct ifreq request = {.ifr_name = "lo"};
	long fd = must("socket", call(SYS_socket, INTERNET, DATAGRAM, 0));

	request.ifr_flags = IFF_UP | IFF_RUNNING;
	must("lo", call(SYS_ioctl, fd, SIOCSIFFLAGS, address(&request)));
	call(SYS_close, fd);
	if (!plan.engine)
		return;
	fd = must("sysctl", call(SYS_openat, AT_FDCWD,
				 address("/proc/sys/net/ipv4/ping_group_range"), O_WRONLY));
	must("sysctl", call(SYS_write, fd, address("0 0"), 3));
	call(SYS_close, fd);
}

static void write_file(const char *folder, const char *name, const char *text, long flags)
{
	long directory =
		must(folder, call(SYS_openat, AT_FDCWD, address(folder), O_PATH | O_CLOEXEC));
	long fd = must(name, call(SYS_openat, directory, address(name), O_WRONLY | flags, 0600));

	must(name, call(SYS_write, fd, address(text), (long)length(text)));
	call(SYS_close, fd);
	call(SYS_close, directory);
}

/* The mount namespace of the kernel's own, which has next to nothing in it, or what is below 0: it is the second
 * that there ever was.  In a new pid namespace nobody may ask for it. */
static long find_kernels_mounts(void)
{
	struct {
		uint32_t size, mounts;
		uint64_t id;
	} info = {.size = sizeof(info)};
	long first = call(SYS_openat, AT_FDCWD, address("/proc/2/ns/mnt"), O_CLOEXEC);
	long second = call(SYS_ioctl, first, _IOR(NSIO, 11, info), address(&info));

	call(SYS_close, first);
	return second >= 0 && info.mounts > 2 ? -1 : second;
}

static void enter_root(long root, bool beneath)
{
	must("fchdir", call(SYS_fchdir, root));
	if (beneath) {
		must("pivot_root", call(SYS_pivot_root, address("."), address(".")));
		must("umount", call(SYS_umount2, address("."), DETACH));
	} else {
		must("chroot", call(SYS_chroot, address(".")));
	}
	call(SYS_close, root);
}

/* What is to be on top of a new mount namespace, there is a descriptor of each. */
static void make_mount_namespace(long root)
{
	long kernels = plan.kernels_mounts;

	if (kernels >= 0)
		must("setns", call(SYS_setns, kernels, CLONE_NEWNS));
	must("mount namespace", call(SYS_unshare, CLONE_NEWNS));
	if (kernels < 0)
		must("slave", call(SYS_mount, 0, address("/"), 0, MS_REC | MS_SLAVE, 0));
	attach(call(SYS_dup, root),
	       must("root", call(SYS_openat, AT_FDCWD, address("/"), O_PATH | O_CLOEXEC)));
	enter_root(call(SYS_dup, root), kernels < 0);
}

static void become_user(void)
{
	const uint64_t kept = plan.engine ? 0x400ebUL | 1UL << CAP_SETFCAP : 0x20000420UL;
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct sets[2] = {
		{(uint32_t)kept, (uint32_t)kept, 0},
		{(uint32_t)(kept >> 32), (uint32_t)(kept >> 32), 0},
	};

	for (long i = 0; i <= CAP_LAST_CAP; i++)
		if (!(kept >> i & 1))
			call(SYS_prctl, PR_CAPBSET_DROP, i);
	call(SYS_prctl, PR_SET_KEEPCAPS, 1);
	must("gid", call(SYS_setresgid, 0, 0, 0));
	must("uid", call(SYS_setresuid, 0, 0, 0));
	must("capset", call(SYS_capset, address(&header), address(sets)));
}

static void load_filter(void)
{
	if (!plan.filter.len)
		call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1);
	else
		must("seccomp",
		     call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, address(&plan.filter)));
}

_Noreturn static void execute(void)
{
	static const char *const words[] = {"/bin/program", NULL};
	static const char *const environment[] = {"PATH=/bin", NULL};

	must("close_range", call(SYS_close_range, 3, ~0U, 4 /* at exec */));
	part("execute the program");
	tell_parts();
	must("execve", call(SYS_execve, address(words[0]), address(words), address(environment)));
	end(99);
}

static void open_sources(long *binds_out, long *hierarchies, long *null)
{
	long files;

	*null = clone_tree(AT_FDCWD, "/dev/null", MOUNT_ATTR_RDONLY);
	if (!plan.engine)
		return;
	files = must(plan.files,
		     call(SYS_openat, AT_FDCWD, address(plan.files), O_PATH | O_CLOEXEC));
	for (size_t i = 0; i < COUNT(binds); i++)
		binds_out[i] = clone_tree(files, binds[i][0], 0);
	call(SYS_close, files);
	for (int i = 0; !plan.v2 && plan.cgroups[i]; i++)
		hierarchies[i] = clone_tree(AT_FDCWD, plan.cgroups[i], MOUNT_ATTR_RDONLY);
}

/* The container's first process. */
_Noreturn static void become_container(void)
{
	long sources[COUNT(binds)], hierarchies[16], null, root;

	part("clone");
	for (int i = 0; !plan.v2 && plan.cgroups[i]; i++)
		write_file(plan.cgroups[i], "cgroup.procs", "0", 0);
	if (plan.v2)
		must("cgroup namespace", call(SYS_unshare, CLONE_NEWCGROUP));
	call(SYS_setsid);
	part("namespaces");
	if (plan.network)
		must("setns",
		     call(SYS_setns,
			  must(plan.network, call(SYS_openat, AT_FDCWD, address(plan.network), 0)),
			  CLONE_NEWNET));
	else
		set_up_network();
	part("network");
	open_sources(sources, hierarchies, &null);
	root = clone_tree(AT_FDCWD, plan.rootfs, 0);
	make_mount_namespace(root);
	part("root");
	for (size_t i = 0; i < COUNT(file_systems); i++)
		mount_at(root, &file_systems[i]);
	if (plan.engine)
		mount_engines(root, sources, hierarchies);
	else
		mount_at(root, &shared_memory);
	part("mounts");
	make_nodes(root);
	part("devices");
	hide(root, null);
	part("masks");
	must("hostname", call(SYS_sethostname, address("4e7a90c1d35f"), 12));
	load_filter();
	part("seccomp");
	become_user();
	part("user and capabilities");
	execute();
}

static void limit_devices(void)
{
	const struct bpf_insn allow[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr load = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE};
	union bpf_attr put = {.attach_type = BPF_CGROUP_DEVICE, .attach_flags = BPF_F_ALLOW_MULTI};

	load.insns = (uint64_t)address(allow);
	load.insn_cnt = COUNT(allow);
	load.license = (uint64_t)address("GPL");
	put.attach_bpf_fd =
		(uint32_t)must("bpf", call(SYS_bpf, BPF_PROG_LOAD, address(&load), sizeof(load)));
	put.target_fd = (uint32_t)must(
		"cgroup", call(SYS_openat, AT_FDCWD, address(plan.cgroups[0]), O_DIRECTORY));
	must("bpf attach", call(SYS_bpf, BPF_PROG_ATTACH, address(&put), sizeof(put)));
	call(SYS_close, put.attach_bpf_fd);
	call(SYS_close, put.target_fd);
}

static long make_cgroups(void)
{
	for (int i = 0; plan.cgroups[i]; i++)
		must(plan.cgroups[i], call(SYS_mkdir, address(plan.cgroups[i]), 0755));
	if (!plan.v2)
		return -1;
	return must("cgroup",
		    call(SYS_openat, AT_FDCWD, address(plan.cgroups[0]), O_PATH | O_CLOEXEC));
}

static void remember(void)
{
	static const char text[433] = {[0 ... 431] = 'x'};

	must(plan.state, call(SYS_mkdir, address(plan.state), 0700));
	write_file(plan.state, "state.json", text, O_CREAT | O_EXCL);
}

static void forget(void)
{
	long folder = must(plan.state, call(SYS_openat, AT_FDCWD, address(plan.state), O_PATH));

	for (int i = 0; plan.cgroups[i]; i++)
		must("rmdir", call(SYS_rmdir, address(plan.cgroups[i])));
	must("unlink", call(SYS_unlinkat, folder, address("state.json"), 0));
	must("rmdir", call(SYS_rmdir, address(plan.state)));
}

/* Waits for the child; its status. */
static long see_end(long pidfd)
{
	int information[32] = {0};

	must("wait", call(SYS_waitid, P_PIDFD, pidfd, address(information), WEXITED));
	return information[6]; /* si_status */
}

static long clone_child(uint64_t flags, long cgroup, int *pidfd)
{
	struct clone_args arguments = {
		.flags = flags | CLONE_PIDFD | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
		.pidfd = (uint64_t)address(pidfd),
		.exit_signal = CHILD_ENDED,
		.cgroup = (uint64_t)(cgroup >= 0 ? cgroup : 0),
	};

	return must("clone3", call(SYS_clone3, address(&arguments), sizeof(arguments)));
}

static long run(void)
{
	uint64_t spaces = CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID;
	long cgroup, status;
	int pidfd;

	part("");
	cgroup = make_cgroups();
	if (plan.v2)
		limit_devices();
	part("cgroup");
	remember();
	part("state");
	plan.kernels_mounts = find_kernels_mounts();
	if (clone_child(spaces | (plan.network ? 0 : CLONE_NEWNET), cgroup, &pidfd) == 0)
		become_container();
	parts_len = 0;
	status = see_end(pidfd);
	part("");
	forget();
	part("delete");
	tell_parts();
	return status;
}

/* Another program in a container that is there. */
static long enter(const char *pid)
{
	const long all = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET |
			 (plan.v2 ? CLONE_NEWCGROUP : 0);
	long target = must("pid", call(SYS_pidfd_open, number_in(pid), 0));
	long cgroup = plan.v2 ? must("cgroup", call(SYS_openat, AT_FDCWD, address(plan.cgroups[0]),
						    O_PATH | O_CLOEXEC))
			      : -1;
	int pidfd;

	for (int i = 0; !plan.v2 && plan.cgroups[i]; i++)
		write_file(plan.cgroups[i], "cgroup.procs", "0", 0);
	must("setns", call(SYS_setns, target, all));
	if (clone_child(0, cgroup, &pidfd) == 0) {
		call(SYS_setsid);
		load_filter();
		become_user();
		execute();
	}
	return see_end(pidfd);
}

static long look(const char *folder, const char *pid, bool kill)
{
	char text[512];
	long directory = must(folder, call(SYS_openat, AT_FDCWD, address(folder), O_PATH));
	long fd = must("state", call(SYS_openat, directory, address("state.json"), 0));
	long count = must("state", call(SYS_read, fd, address(text), sizeof(text)));
	long pidfd = must("pid", call(SYS_pidfd_open, number_in(pid), 0));

	if (kill)
		must("kill", call(SYS_pidfd_send_signal, pidfd, KILL));
	else
		call(SYS_write, 1, address(text), count);
	return 0;
}

static void read_filter(const char *path)
{
	long fd = must(path, call(SYS_openat, AT_FDCWD, address(path), O_CLOEXEC));
	long size = must(path, call(SYS_read, fd, address(filter), sizeof(filter)));

	plan.filter = (struct sock_fprog){(unsigned short)(size / (long)sizeof(filter[0])), filter};
	call(SYS_close, fd);
}

static void use_cgroups(const char **cgroups)
{
	plan.cgroups = cgroups;
	plan.v2 = cgroups[0] && !cgroups[1];
}

void begin(const long *stack)
{
	const char **words = (const char **)(uintptr_t)(stack + 2);

	if (words[0][0] == '-') {
		plan.told = true;
		words++;
	}
	if (words[0][0] == 's' || words[0][0] == 'k')
		end(look(words[1], words[2], words[0][0] == 'k'));
	if (words[0][0] == 'e') {
		plan.engine = true;
		read_filter(words[2]);
		use_cgroups(words + 3);
		end(enter(words[1]));
	}
	plan.engine = words[1][0] == 'p';
	plan.rootfs = words[2];
	plan.files = words[3];
	plan.state = words[4];
	if (plan.engine)
		read_filter(words[5]);
	plan.network = words[6][0] == '/' ? words[6] : NULL;
	use_cgroups(words + 7);
	end(run());
}
