/*
 * "pause" and "resume".
 *
 *	https://docs.kernel.org/admin-guide/cgroup-v2.html, cgroup.freeze
 *
 * Nothing is written down: whether a container is paused is asked of its cgroup, each time.  So there is no
 * moment at which a runtime that is killed could leave the two at odds.
 */
#include "runtime/pause.h"

#include "cgroup/cgroup.h"
#include "runtime/status.h"

static int pause_view(const struct view *view, const char *id, struct error *err)
{
	if (view->status == STATUS_PAUSED) {
		error_config(err, "%s: container paused already", id);
		return error_hint(err, "\"resume\" lets it go on");
	}
	if (view->status != STATUS_CREATED && view->status != STATUS_RUNNING)
		return view_not_running(id, err);
	return cgroup_freeze(view->record->cgroup, true, err) < 0 ? error_in(err, "%s", id) : 0;
}

static int resume_view(const struct view *view, const char *id, struct error *err)
{
	if (view->status != STATUS_PAUSED) {
		error_config(err, "%s: container not paused", id);
		return error_hint(err, "it is %s", status_name(view->status));
	}
	return cgroup_freeze(view->record->cgroup, false, err) < 0 ? error_in(err, "%s", id) : 0;
}

static int change(const struct state_root *root, const char *id,
		  int (*what)(const struct view *view, const char *id, struct error *err),
		  struct error *err)
{
	autoarena struct arena arena = {0};
	struct view view;
	int r = arena_open_private(&arena, err);

	if (r == 0)
		r = view_open_locked(&view, root, id, &arena, err);
	if (r < 0)
		return r;
	r = what(&view, id, err);
	view_release(&view);
	return r;
}

int container_pause(const struct state_root *root, const char *id, struct error *err)
{
	return change(root, id, pause_view, err);
}

int container_resume(const struct state_root *root, const char *id, struct error *err)
{
	return change(root, id, resume_view, err);
}
