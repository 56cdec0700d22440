/* "checkpoint": see checkpoint.h. */
#include "runtime/checkpoint.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/clock.h"
#include "basic/log.h"
#include "basic/process.h"
#include "cgroup/cgroup.h"
#include "cgroup/root-options.h"
#include "criu/call.h"
#include "runtime/bundle.h"
#include "runtime/checkpoint-image.h"
#include "runtime/criu-settings.h"
#include "runtime/external.h"
#include "runtime/status.h"

#define LOG_FILE "dump.log"

enum { END_MILLISECONDS = 10000 };

/* A container that is being dumped. */
struct dump {
	const struct checkpoint_request *request;
	struct arena *arena;
	const struct view *view;
	const struct oci_config *config;
	struct checkpoint_image image;
	struct criu_call call;
	struct criu_options options;
};

static int check_status(const struct view *view, const char *id, struct error *err)
{
	if (view->status == STATUS_RUNNING || view->status == STATUS_PAUSED)
		return 0;
	if (view->status == STATUS_STOPPED)
		return view_not_running(id, err);
	error_config(err, "%s: cannot checkpoint a container that is %s", id,
		     status_name(view->status));
	return view->status == STATUS_CREATED ? error_hint(err, "\"start\" it first") : -err->code;
}

static int read_config(struct dump *dump, struct error *err)
{
	const struct oci_record *record = dump->view->record;
	struct bundle bundle = {0};
	int r;

	r = bundle_read(&bundle, record->bundle, record->config ? record->config : "config.json",
			dump->arena, err);
	dump->config = bundle.config;
	return r == 0 ? criu_expect_restorable(bundle.config, err) : r;
}

static int check_parent(const struct dump *dump, struct error *err)
{
	const char *parent = dump->request->wish.parent;

	if (!parent)
		return 0;
	if (parent[0] == '/') {
		error_config(err, "--parent-path: \"%s\" is absolute", parent);
		return error_hint(err, "it is taken from --image-path: ../before");
	}
	if (faccessat(dump->image.images, parent, F_OK, 0) < 0)
		return error_errno(err, errno, "--parent-path: look for %s below --image-path",
				   parent);
	return 0;
}

/* Without the first each dump would be of all the memory, and those before it of no use. */
static int expect_features(struct dump *dump, struct error *err)
{
	struct criu_call call = {.arena = dump->arena};
	const struct criu_options *wish = &dump->request->wish;
	bool tracking = dump->request->pre_dump || wish->parent;
	struct criu_answer answer;

	if (!tracking && !wish->lazy_pages)
		return 0;
	if (criu_ask(&call, CRIU_FEATURES, NULL, &answer, err) < 0)
		return -err->code;
	if (tracking && !(answer.success && answer.tracks_memory)) {
		error_config(err, "%s: this kernel cannot tell which memory has changed",
			     dump->request->pre_dump ? "--pre-dump" : "--parent-path");
		return error_hint(err, "it takes CONFIG_MEM_SOFT_DIRTY");
	}
	if (wish->lazy_pages && !(answer.success && answer.has_lazy_pages)) {
		error_config(err, "--lazy-pages: this kernel cannot get memory when it is needed");
		return error_hint(err, "it takes CONFIG_USERFAULTFD");
	}
	return 0;
}

static void choose(struct dump *dump)
{
	const struct view *view = dump->view;
	struct criu_options *options = &dump->options;

	*options = dump->request->wish;
	options->images = criu_pass(&dump->call, dump->image.images);
	options->work = criu_pass(&dump->call, dump->image.work);
	if (options->status)
		options->status = criu_pass(&dump->call, options->status);
	options->pid = view->pid;
	options->log_file = LOG_FILE;
	options->log_level = CRIU_LOG_ALL;
	options->root = view->record->rootfs;
	options->freezer = cgroup_freezer(view->record->cgroup);
	options->config_file = criu_config_file(dump->config);
	options->empty_namespaces |= criu_empty_namespaces(dump->config);
	options->notify = true;
	options->orphan_terminal = true;
	options->manage_cgroups = true;
	if (!options->cgroups_mode)
		options->cgroups_mode = CRIU_CGROUPS_SOFT;
	if (dump->request->pre_dump)
		options->track_memory = true;
}

static bool is_among(pid_t pid, const pid_t *pids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

/* CRIU takes the first process and its children: what exec has put beside them ends with it. */
static void warn_of_lost(const struct dump *dump)
{
	const struct oci_record_cgroup *cgroup = dump->view->record->cgroup;
	struct error unheard = {0};
	size_t count, lost = 0;
	pid_t *pids;

	if (cgroup_none(cgroup, &unheard) < 0 ||
	    cgroup_processes(cgroup, dump->arena, &pids, &count, &unheard) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		struct process_status status = {.parent = 0};

		lost += pids[i] != dump->view->pid && process_status(pids[i], &status) == 0 &&
			!is_among(status.parent, pids, count);
	}
	if (lost)
		log_warning("%s: %zu of its processes are no part of the checkpoint: exec has "
			    "begun them",
			    dump->request->id, lost);
}

/* Whoever made the container finds it stopped. */
static int wait_for_end(const struct dump *dump, struct error *err)
{
	int r = process_wait(dump->view->pidfd, END_MILLISECONDS);

	if (r > 0)
		return 0;
	return error_errno(err, r < 0 ? -r : ETIMEDOUT, "wait for the end of process %d",
			   dump->view->pid);
}

static int ask_criu(struct dump *dump, struct error *err)
{
	struct criu_answer answer;
	enum criu_task task = dump->request->pre_dump ? CRIU_PRE_DUMP : CRIU_DUMP;
	struct root_options cgroups;
	int r;

	warn_of_lost(dump);
	root_options_remember(&cgroups);
	r = criu_ask(&dump->call, task, &dump->options, &answer, err);
	root_options_forget(&cgroups);
	if (r < 0)
		return r;
	if (answer.success)
		return 0;
	criu_explain(dump->image.work, LOG_FILE, &answer, err);
	return error_hint(err, "%s/" LOG_FILE " tells the rest; the container is as before",
			  dump->request->work_path ? dump->request->work_path
						   : dump->request->image_path);
}

/* What restore needs is there before the processes are gone. */
static int take(struct dump *dump, struct error *err)
{
	char created[CLOCK_TEXT_SIZE];
	struct oci_checkpoint_confinement confinement;
	struct oci_checkpoint checkpoint = {
		.version = PACKAGE_VERSION,
		.id = dump->view->record->id,
		.created = created,
		.notify = dump->view->record->notify,
		.confinement = &confinement,
	};
	struct external external = {
		.pid = dump->view->pid,
		.config = dump->config,
		.arena = dump->arena,
		.options = &dump->options,
		.checkpoint = &checkpoint,
	};
	int r;

	clock_text(created);
	choose(dump);
	r = checkpoint_confinement(dump->config, dump->arena, &confinement, err);
	if (r == 0)
		r = external_find(&external, err);
	if (r == 0 && !dump->request->pre_dump)
		r = checkpoint_store(&dump->image, &checkpoint, external.streams, dump->arena, err);
	if (r < 0)
		return r;
	r = ask_criu(dump, err);
	if (dump->request->pre_dump)
		return r;
	if (r < 0) {
		checkpoint_discard(&dump->image);
		return r;
	}
	r = checkpoint_finish(&dump->image, err);
	return r < 0 || dump->options.leave_running ? r : wait_for_end(dump, err);
}

static int dump_view(struct dump *dump, struct error *err)
{
	int r = read_config(dump, err);

	if (r == 0)
		r = criu_expect(dump->arena, err);
	if (r == 0)
		r = checkpoint_image_open(&dump->image, dump->request, true, err);
	if (r == 0)
		r = check_parent(dump, err);
	if (r == 0)
		r = expect_features(dump, err);
	if (r == 0)
		r = take(dump, err);
	checkpoint_image_release(&dump->image);
	return r;
}

int container_checkpoint(const struct state_root *root, const struct checkpoint_request *request,
			 struct error *err)
{
	autoarena struct arena arena = {0};
	struct view view;
	struct dump dump = {
		.request = request,
		.arena = &arena,
		.view = &view,
		.image = {-1, -1},
		.call = {.arena = &arena},
	};
	int r = criu_expect_root("checkpoint", err);

	if (r == 0)
		r = arena_open_private(&arena, err);
	if (r == 0)
		r = view_open_locked(&view, root, request->id, &arena, err);
	if (r < 0)
		return r;
	r = check_status(&view, request->id, err);
	if (r == 0 && dump_view(&dump, err) < 0)
		r = error_in(err, "%s", request->id);
	view_release(&view);
	return r;
}
