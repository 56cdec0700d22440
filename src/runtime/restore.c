/*
 * "restore": a new container, whose processes CRIU makes of a checkpoint.
 *
 * All that "create" makes but the processes is made as "create" does it, from config.json: the record, the cgroup,
 * hooks.  CRIU's own process is in the cgroup from its beginning, and in a mount namespace of its own, in which the
 * root is a mount point, as CRIU wants it; on the host nothing is mounted.
 *
 * A checkpoint says of itself what its processes may do.  So it must be the caller's own, and made with what
 * config.json asks for; and before the processes go on they are looked at.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/log.h"
#include "basic/procfs.h"
#include "basic/syscalls.h"
#include "basic/trace.h"
#include "cgroup/cgroup.h"
#include "cgroup/root-options.h"
#include "criu/call.h"
#include "launch/answers.h"
#include "linux/id-mappings.h"
#include "runtime/checkpoint-image.h"
#include "runtime/checkpoint.h"
#include "runtime/console.h"
#include "runtime/creation.h"
#include "runtime/criu-settings.h"
#include "runtime/exec-record.h"
#include "runtime/external.h"
#include "runtime/restored.h"
#include "runtime/run.h"
#include "runtime/status.h"

#define LOG_FILE "restore.log"

struct restore {
	struct creation creation; /* first: what run_by() knows of it */
	const struct checkpoint_request *request;
	struct checkpoint_image image;
	const struct oci_checkpoint *checkpoint; /* NULL: not made by proa */
	struct criu_call call;
	struct criu_options options;
	struct root_options cgroups;
};

/* -- what CRIU is told ------------------------------------------------------------------------- */

static int add(struct restore *restore, struct criu_pairs *list, struct criu_pair pair,
	       struct error *err)
{
	struct arena *arena = &restore->creation.arena;

	return pair.fd < 0 || !criu_add(list, arena, pair) ? arena_full(arena, err) : 0;
}

/* What was the first process's input and output is the caller's now. */
static int give_streams(struct restore *restore, struct error *err)
{
	const char *streams[CHECKPOINT_STREAMS];
	int r = checkpoint_load_streams(&restore->image, streams, &restore->creation.arena, err);

	for (int i = 0; r == 0 && i < CHECKPOINT_STREAMS; i++) {
		bool again = false;

		for (int j = 0; streams[i] && j < i; j++)
			again |= streams[j] && strcmp(streams[i], streams[j]) == 0;
		/* A path is one in the container. */
		if (!streams[i] || !strchr(streams[i], '[') || streams[i][0] == '/' || again)
			continue;
		r = add(restore, &restore->options.inherited,
			(struct criu_pair){.key = streams[i], .fd = criu_pass(&restore->call, i)},
			err);
	}
	return r;
}

static const char *namespace_word(int flag)
{
	switch (flag) {
	case CLONE_NEWIPC:
		return "ipc";
	case CLONE_NEWUTS:
		return "uts";
	case CLONE_NEWUSER:
		return "user";
	case CLONE_NEWTIME:
		return "time";
	default:
		return NULL;
	}
}

static int give_namespaces(struct restore *restore, struct error *err)
{
	const struct container *container = restore->creation.container;
	int r = 0;

	for (const struct namespace_plan *plan = container->namespaces; r == 0 && plan->flag;
	     plan++) {
		const char *name = external_namespace(plan->flag);
		const char *word = namespace_word(plan->flag);

		if (plan->fd < 0)
			continue;
		if (name)
			r = add(restore, &restore->options.inherited,
				(struct criu_pair){.key = name,
						   .fd = criu_pass(&restore->call, plan->fd)},
				err);
		else if (!word)
			r = error_config(err, "linux.namespaces: CRIU joins none of the type of %s",
					 plan->path);
		else
			r = add(restore, &restore->options.joined,
				(struct criu_pair){.key = word, .value = plan->path}, err);
	}
	return r;
}

/* The cgroup that has been made, in the place of that which the processes were in. */
static int give_cgroups(struct restore *restore, struct error *err)
{
	struct criu_options *options = &restore->options;
	struct cgroup_part *parts;
	size_t count;
	int r = cgroup_parts(&restore->creation.cgroup, &restore->creation.arena, &parts, &count,
			     err);

	options->manage_cgroups = true;
	if (!options->cgroups_mode)
		options->cgroups_mode = CRIU_CGROUPS_SOFT;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = add(restore, &options->cgroups,
			(struct criu_pair){.key = parts[i].controller, .value = parts[i].path},
			err);
	return r;
}

static int choose(struct restore *restore, struct error *err)
{
	const struct container *container = restore->creation.container;
	const struct oci_config *config = container->config;
	struct criu_options *options = &restore->options;
	int r;

	*options = restore->request->wish;
	options->images = criu_pass(&restore->call, restore->image.images);
	options->work = criu_pass(&restore->call, restore->image.work);
	options->log_file = LOG_FILE;
	options->log_level = CRIU_LOG_ALL;
	options->root = container->rootfs;
	options->config_file = criu_config_file(config);
	options->empty_namespaces |= criu_empty_namespaces(config);
	options->notify = options->sibling = options->orphan_terminal = true;
	r = external_mounts(container, &restore->creation.cgroup, restore->checkpoint,
			    &options->external, err);
	if (r == 0)
		r = give_streams(restore, err);
	if (r == 0)
		r = give_namespaces(restore, err);
	return r == 0 ? give_cgroups(restore, err) : r;
}

/* -- while CRIU is at work --------------------------------------------------------------------- */

/* The directory that fd is open on, as it is in the mount namespace that has been made since: CRIU mounts in it. */
static int open_again(int fd, struct error *err)
{
	char path[PROCFS_FD_SIZE + sizeof("self/fd/")], target[PATH_MAX];
	autoclose int again = -1;
	int r;

	snprintf(path, sizeof(path), "self/fd/%d", fd);
	r = procfs_read_link(procfs_own(), path, target, sizeof(target));
	if (r < 0)
		return error_errno(err, -r, "find a directory's path");
	again = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (again < 0 || dup3(again, fd, O_CLOEXEC) < 0)
		return error_errno(err, errno, "open %s again", target);
	return 0;
}

/* In the child that becomes CRIU. */
static int begin_criu(void *context, struct error *err)
{
	const struct restore *restore = context;
	const struct creation *creation = &restore->creation;
	const char *rootfs = creation->container->rootfs;
	bool inside = false;
	int r;

	/* All processes inherit it, instead of the caller's. */
	r = step_keyring.apply(creation->container, err);
	if (r == 0)
		r = cgroup_fetch(&creation->cgroup, &creation->keeper, &inside, err);
	if (r == 0)
		r = cgroup_enter(&creation->cgroup, 0, inside, err);
	if (r < 0)
		return r;
	if (unshare(CLONE_NEWNS) < 0)
		return error_errno(err, errno, "make a mount namespace");
	if (sys_mount_propagation("/", MS_REC | MS_SLAVE) < 0 ||
	    sys_mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL) < 0 ||
	    sys_mount_propagation(rootfs, MS_REC | MS_PRIVATE) < 0)
		return error_errno(err, errno, "root.path: bind it to itself");
	r = open_again(restore->image.images, err);
	return r == 0 ? open_again(restore->image.work, err) : r;
}

static int run_hooks(struct restore *restore, pid_t pid, struct error *err)
{
	struct container *container = restore->creation.container;

	container->init_pid = pid;
	return container->config->hooks ? launch_hooks(container, err) : 0;
}

/* All processes are there, and none has gone on. */
static int take_processes(struct restore *restore, pid_t pid, struct error *err)
{
	struct creation *creation = &restore->creation;
	int r = launch_adopt(&creation->launch, pid, err);

	return r == 0 ? launch_attach(&creation->launch, section_is_for_restore, err) : r;
}

/* They are as they will be, and have not gone on yet. */
static int let_go(struct restore *restore, struct error *err)
{
	struct creation *creation = &restore->creation;
	int r = restore->request->trust_image ? 0
					      : restored_check(creation, restore->call.pid, err);

	if (r == 0)
		r = restored_mounts(creation, err);
	if (r == 0)
		r = creation_record(creation, status_name(STATUS_RUNNING), err);
	if (r == 0)
		r = pid_file_write(&creation->pid_file, creation->launch.init.pid, err);
	if (r < 0)
		restored_kill(creation, restore->call.pid);
	return r;
}

static int heed(void *context, const struct criu_notice *notice, struct error *err)
{
	struct restore *restore = context;
	int r = 0;

	root_options_put_back(&restore->cgroups);
	if (strcmp(notice->what, "setup-namespaces") == 0)
		r = run_hooks(restore, notice->pid, err);
	else if (strcmp(notice->what, "orphan-pts-master") == 0)
		r = launch_take_console(&restore->creation.launch, notice->fd, err);
	else if (strcmp(notice->what, "post-restore") == 0)
		r = take_processes(restore, notice->pid, err);
	else if (strcmp(notice->what, "pre-resume") == 0)
		r = let_go(restore, err);
	trace_phase(notice->what);
	return r;
}

static int ask_let_in(struct restore *restore, struct criu_answer *answer, struct error *err)
{
	const struct container *container = restore->creation.container;
	const int namespaces = container->new_namespaces | container->joined_namespaces;
	struct checkpoint_access before;
	uint32_t group;
	int r;

	if (!(namespaces & CLONE_NEWUSER) ||
	    !id_map_lookup(container, &container->gid_map, 0, &group))
		return criu_ask(&restore->call, CRIU_RESTORE, &restore->options, answer, err);
	if (checkpoint_image_let_in(&restore->image, group, &before, err) < 0)
		return -err->code;
	r = criu_ask(&restore->call, CRIU_RESTORE, &restore->options, answer, err);
	checkpoint_image_close(&restore->image, &before);
	return r;
}

static int ask_criu(struct restore *restore, struct error *err)
{
	const struct checkpoint_request *request = restore->request;
	struct criu_answer answer;
	int r;

	restore->call = (struct criu_call){
		.arena = &restore->creation.arena,
		.heed = heed,
		.begin = begin_criu,
		.context = restore,
	};
	r = choose(restore, err);
	root_options_remember(&restore->cgroups);
	if (r == 0)
		r = ask_let_in(restore, &answer, err);
	root_options_forget(&restore->cgroups);
	if (r < 0)
		return r;
	if (answer.success && restore->creation.launch.init.pid)
		return 0;
	criu_explain(restore->image.work, LOG_FILE, &answer, err);
	return error_hint(err, "%s/" LOG_FILE " tells the rest",
			  request->work_path ? request->work_path : request->image_path);
}

/* -- the container ----------------------------------------------------------------------------- */

static int check_image(struct restore *restore, struct error *err)
{
	const struct checkpoint_request *request = restore->request;
	struct creation *creation = &restore->creation;
	bool labels = !request->wish.lsm_profile;
	int r = checkpoint_image_open(&restore->image, request, false, err);

	if (r == 0 && !request->trust_image)
		r = checkpoint_image_trust(&restore->image, err);
	if (r == 0)
		r = checkpoint_load(&restore->image, &restore->checkpoint, &creation->arena, err);
	if (r < 0 || request->trust_image)
		return r;
	if (!restore->checkpoint) {
		error_config(err, "--image-path: it is no checkpoint that proa has finished");
		return error_hint(err, "--trust-image restores those of other runtimes, with what "
				       "privileges they say");
	}
	return checkpoint_compare(restore->checkpoint, creation->container->config, labels,
				  &creation->arena, err);
}

/* Its program writes to a socket in that folder. */
static int expect_notify(const struct restore *restore, struct error *err)
{
	const struct oci_checkpoint *checkpoint = restore->checkpoint;

	if (!checkpoint || !checkpoint->notify || restore->creation.container->notify_folder)
		return 0;
	error_config(err, "the container was made with NOTIFY_SOCKET set");
	return error_hint(err, "set it here, too");
}

static int make(struct restore *restore, struct error *err)
{
	struct creation *creation = &restore->creation;
	int r = creation_journal(creation, false, err);

	if (r == 0)
		r = exec_record_store(creation->directory, creation->container, err);
	if (r == 0)
		r = external_places(creation->container, err);
	return r == 0 ? ask_criu(restore, err) : r;
}

static int begin(struct creation *creation, struct notify_proxy *notify, struct error *err)
{
	struct restore *restore = (struct restore *)creation;
	int r = creation_plan(creation, true, err);

	(void)notify;
	if (r < 0)
		return r;
	r = criu_expect_restorable(creation->container->config, err);
	if (r == 0)
		r = check_image(restore, err);
	if (r == 0)
		r = expect_notify(restore, err);
	if (r == 0)
		r = criu_expect(&creation->arena, err);
	if (r == 0)
		r = make(restore, err);
	checkpoint_image_release(&restore->image);
	if (r < 0)
		creation_undo(creation);
	else
		console_resize(creation->launch.console);
	return r;
}

int container_restore(const struct state_root *root, const struct create_request *create,
		      const struct checkpoint_request *request, int *exit_status, struct error *err)
{
	struct restore restore = {
		.creation = {.root = root, .request = create},
		.request = request,
		.image = {-1, -1},
	};
	struct error end = {0};
	int r = criu_expect_root("restore", err);

	if (r < 0)
		return r;
	r = run_by(&restore.creation, begin, exit_status, &end, err);
	if (r == 0 && end.code)
		log_error(&end);
	return r;
}
