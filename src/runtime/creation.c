#include "runtime/creation.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/clock.h"
#include "basic/file.h"
#include "basic/log.h"
#include "basic/socket.h"
#include "basic/trace.h"
#include "basic/users.h"
#include "cgroup/cgroup.h"
#include "linux/annotations.h"
#include "linux/cgroup-owner.h"
#include "linux/intel-rdt.h"
#include "linux/mounts.h"
#include "linux/notify-mount.h"
#include "linux/seccomp-load.h"
#include "runtime/bundle.h"
#include "runtime/console.h"
#include "runtime/delete.h"
#include "runtime/exec-record.h"
#include "runtime/notify-socket.h"
#include "runtime/record.h"
#include "runtime/start.h"
#include "runtime/status.h"

/* -- plan -------------------------------------------------------------------------------------- */

/* Where the program is to say that it is ready. */
static int plan_notify(const struct creation *creation, struct container *container,
		       struct error *err)
{
	if (!creation->request->notify_socket)
		return 0;
	container->notify_folder = arena_printf(container->arena, "%s/%s/" NOTIFY_FOLDER,
						creation->root->path, creation->request->id);
	return container->notify_folder ? 0 : arena_full(container->arena, err);
}

static int make_plan(struct creation *creation, bool attached, struct error *err)
{
	const struct create_request *request = creation->request;
	struct container *container;
	struct bundle bundle = {0};
	int r;

	/* First in the arena, where init looks for it. */
	container = arena_alloc(&creation->arena, sizeof(*container));
	if (!container)
		return arena_full(&creation->arena, err);
	r = bundle_read(&bundle, request->bundle, request->config_file, &creation->arena, err);
	if (r < 0)
		return r;
	trace_phase("config.json");
	container->arena = &creation->arena;
	container->config = bundle.config;
	container->bundle = bundle.path;
	container->id = arena_copy(&creation->arena, request->id, strlen(request->id));
	container->no_pivot = request->no_pivot;
	container->no_new_keyring = request->no_new_keyring;
	container->preserve_fds = request->preserve_fds;
	container->listen_fds = request->listen_fds;
	if (plan_notify(creation, container, err) < 0)
		return -err->code;
	creation->container = container;
	creation->launch.container = container;
	creation->launch.console_socket = request->console_socket;
	creation->launch.pidfd_socket = request->pidfd_socket;
	creation->launch.cgroup = &creation->cgroup;
	creation->launch.keeper = &creation->keeper;
	creation->launch.init.of_this_boot = creation->root->forgets;
	r = console_check(container->config->process, request->console_socket,
			  attached && !request->detach, err);
	return r == 0 ? launch_plan(container, err) : r;
}

static int plan_cgroup(struct creation *creation, struct error *err)
{
	const struct container *container = creation->container;
	const struct oci_linux *properties = container->config->linux;

	creation->wish = (struct cgroup_wish){
		.id = container->id,
		.cgroups_path = properties ? properties->cgroups_path : NULL,
		.manager = creation->request->cgroup_manager,
		.resources = properties ? properties->resources : NULL,
		.annotations = container->config->annotations,
		.annotations_len = container->config->annotations_len,
		.subgroup = annotation_find(container->config, SYSTEMD_SUBGROUP),
		.optional = is_plain_user(container->uid),
	};
	if (cgroup_owner_annotation(container->config, &creation->wish.delegate, err) < 0)
		return -err->code;
	return cgroup_plan(&creation->wish, &creation->arena, &creation->cgroup, err);
}

/* -- journal ----------------------------------------------------------------------------------- */

/* Without a mount namespace the mounts are made on the host, and removed by delete. */
static int list_host_mounts(struct creation *creation, struct error *err)
{
	const struct container *container = creation->container;
	const char **list;

	if ((container->new_namespaces | container->joined_namespaces) & CLONE_NEWNS)
		return 0;
	list = arena_array(&creation->arena, const char *, container->mounts_len + 1);
	if (!list)
		return arena_full(&creation->arena, err);
	for (size_t i = 0; i < container->mounts_len; i++)
		list[i] = container->mounts[i].destination;
	creation->record.host_mounts = list;
	creation->record.host_mounts_len = container->mounts_len;
	return 0;
}

static int fill_record(struct creation *creation, struct error *err)
{
	const struct container *container = creation->container;
	const struct oci_config *config = container->config;
	const char *config_file = creation->request->config_file;
	char created[CLOCK_TEXT_SIZE];

	clock_text(created);
	creation->record = (struct oci_record){
		.oci_version = config->oci_version,
		.id = container->id,
		.bundle = container->bundle,
		.config = strcmp(config_file, "config.json") == 0 ? NULL : config_file,
		.rootfs = container->rootfs,
		.created = arena_copy(&creation->arena, created, strlen(created)),
		.has_owner = true,
		.owner = container->uid,
		.annotations = config->annotations,
		.annotations_len = config->annotations_len,
		.shares_pids = !(container->new_namespaces & CLONE_NEWPID),
		.cgroup = &creation->cgroup,
		.intel_rdt = container->intel_rdt,
		.notify = container->notify_folder != NULL,
	};
	if (container->seccomp.agent && !seccomp_is_early(container)) {
		creation->listener.agent = container->seccomp.agent;
		creation->listener.metadata = container->seccomp.metadata;
		creation->record.listener = &creation->listener;
	}
	if (config->hooks) {
		creation->hooks.poststart = config->hooks->poststart;
		creation->hooks.poststart_len = config->hooks->poststart_len;
		creation->hooks.poststop = config->hooks->poststop;
		creation->hooks.poststop_len = config->hooks->poststop_len;
		creation->record.hooks = &creation->hooks;
	}
	return list_host_mounts(creation, err);
}

static int journal(struct creation *creation, struct error *err)
{
	int r;

	creation->record.status = "creating";
	creation->cgroup.made = true; /* by the time that the record has its name */
	r = record_plan(creation->directory, &creation->record, &creation->arena, err);
	creation->cgroup.made = false;
	return r;
}

static void bring_up_to_date(struct creation *creation, const char *status)
{
	creation->record.status = status;
	if (creation->launch.init.pid) {
		creation->init = (struct oci_record_process){
			.pid = creation->launch.init.pid,
			.has_start_time = creation->launch.init.start_time != 0,
			.start_time = creation->launch.init.start_time,
			.has_pidfd_inode = true,
			.pidfd_inode = creation->launch.init.pidfd_inode,
		};
		creation->record.init = &creation->init;
	}
}

int creation_record(struct creation *creation, const char *status, struct error *err)
{
	bring_up_to_date(creation, status);
	return record_store(creation->directory, &creation->record, &creation->arena, err);
}

/* -- make -------------------------------------------------------------------------------------- */

static int make_start_socket(struct creation *creation, struct error *err)
{
	int fd = socket_listen_at(creation->directory, START_SOCKET, err);

	creation->container->start_socket = fd;
	return fd < 0 ? fd : 0;
}

/* By the specification it should be done, so that it cannot is no error; unless somebody has asked for it. */
__attribute__((noinline)) static int delegate_to(const struct creation *creation,
						 const struct cgroup_owner *owner,
						 struct error *err)
{
	struct error failure = {0};

	if (cgroup_delegate(&creation->cgroup, owner->uid, owner->gid, &failure) == 0)
		return 0;
	if (!owner->asked && failure.code == EPERM) {
		log_warning("%s: the container cannot have cgroups of its own", failure.text);
		return 0;
	}
	*err = failure;
	return -err->code;
}

static int delegate_cgroup(const struct creation *creation, struct error *err)
{
	struct cgroup_owner owner;
	int r = cgroup_owner_find(creation->container, &owner, err);

	return r > 0 ? delegate_to(creation, &owner, err) : r;
}

static int make_notify_folder(struct creation *creation, struct error *err)
{
	if (!creation->container->notify_folder)
		return 0;
	if (notify_folder_make(creation->directory, err) < 0)
		return -err->code;
	return notify_mount_open(creation->container, err);
}

/* From here on what is in the cgroup is the container's, and may be killed with it. */
static int make_cgroup(struct creation *creation, struct error *err)
{
	int r = cgroup_begin(&creation->wish, &creation->arena, &creation->cgroup,
			     &creation->keeper, err);

	if (r == 0)
		r = cgroup_create(&creation->cgroup, err);
	if (r < 0) {
		creation->record.cgroup = NULL;
		return r;
	}
	creation->cgroup.made = true;
	r = record_confirm(creation->directory, err);
	if (r == 0 && creation->cgroup.systemd) /* which has told more of it */
		r = creation_record(creation, "creating", err);
	return r == 0 ? delegate_cgroup(creation, err) : r;
}

/* "run" says START as soon as this is written, so it is written once; but startContainer hooks, which may take
 * their time, run in a container that is created. */
static const char *status_made(const struct creation *creation, bool attached)
{
	const struct oci_hooks *hooks = creation->container->config->hooks;

	return attached && !(hooks && hooks->start_container_len) ? "running" : "created";
}

/* What can be done while init is at work, which has much to do first. */
static int make_ahead(struct creation *creation, const char *status, const char **record,
		      struct error *err)
{
	int r = exec_record_store(creation->directory, creation->container, err);

	if (r < 0)
		return r;
	bring_up_to_date(creation, status);
	r = record_write(creation->directory, &creation->record, &creation->arena, record, err);
	trace_phase("records");
	if (r == 0)
		cgroup_limit_ahead(&creation->cgroup, creation->wish.resources);
	trace_phase("device rules");
	return r;
}

int creation_journal(struct creation *creation, bool starts, struct error *err)
{
	int r = journal(creation, err);

	if (r == 0 && starts)
		r = make_start_socket(creation, err);
	if (r == 0)
		r = make_notify_folder(creation, err);
	if (r == 0)
		r = intel_rdt_make(creation->container, err);
	trace_phase("record: creating");
	if (r == 0)
		r = make_cgroup(creation, err);
	trace_phase("cgroup");
	return r;
}

static int make(struct creation *creation, bool attached, struct error *err)
{
	const char *record;
	int r = creation_journal(creation, !attached, err);

	if (r == 0)
		r = launch_begin(&creation->launch, err);
	if (r == 0)
		r = make_ahead(creation, status_made(creation, attached), &record, err);
	if (r == 0)
		r = launch_see_ready(&creation->launch, err);
	if (r == 0)
		r = record_put(creation->directory, record, err);
	if (r == 0)
		r = pid_file_write(&creation->pid_file, creation->launch.init.pid, err);
	trace_phase("record: created");
	return r == 0 ? launch_commit(&creation->launch, err) : r;
}

int creation_plan(struct creation *creation, bool attached, struct error *err)
{
	int r;

	creation->directory = -1;
	creation->launch.init_pidfd = creation->launch.stage_pidfd = -1;
	creation->launch.socket = -1;
	creation->launch.stage_socket = creation->launch.console = creation->launch.lock = -1;
	r = pid_file_open(&creation->pid_file, creation->request->pid_file, err);
	if (r == 0)
		r = arena_open_shared(&creation->arena, err);
	if (r == 0)
		r = make_plan(creation, attached, err);
	if (r == 0)
		r = plan_cgroup(creation, err);
	if (r == 0)
		r = fill_record(creation, err);
	if (r < 0)
		return r;
	trace_phase("plan the cgroup");
	creation->directory = container_directory_make(creation->root, creation->request->id, err);
	if (creation->directory < 0)
		return creation->directory;
	creation->launch.lock = creation->directory;
	trace_phase("state directory");
	return 0;
}

int creation_make(struct creation *creation, bool attached, struct error *err)
{
	int r = creation_plan(creation, attached, err);

	if (r < 0)
		return r;
	r = make(creation, attached, err);
	if (r < 0)
		creation_undo(creation);
	return r;
}

void creation_undo(struct creation *creation)
{
	struct error unheard = {0};
	const struct view view = {
		.record = &creation->record,
		.status = STATUS_STOPPED,
		.pidfd = -1,
		.directory = creation->directory,
	};

	launch_abort(&creation->launch);
	cgroup_dismiss(&creation->keeper);
	if (creation->record.init)
		pid_file_remove(&creation->pid_file);
	if (container_destroy(creation->root, creation->request->id, &view, &creation->arena,
			      &unheard) < 0)
		log_warning("clean up: %s", unheard.text);
}

void creation_release(struct creation *creation)
{
	close_fd(&creation->directory);
	pid_file_release(&creation->pid_file);
	close_fd(&creation->launch.socket);
	close_fd(&creation->launch.init_pidfd);
	close_fd(&creation->launch.console);
	arena_release(&creation->arena);
}
