#include "runtime/state.h"

#include "basic/users.h"

enum { OWNER_SIZE = 256 };

const char *state_owner(const struct oci_record *record, struct arena *arena)
{
	char name[OWNER_SIZE];

	if (!record->has_owner)
		return NULL;
	user_name(record->owner, name, sizeof(name));
	if (!*name)
		return arena_printf(arena, "#%u", record->owner);
	return arena_printf(arena, "%s", name);
}

char *state_report(const struct view *view, const char *owner, struct arena *arena,
		   enum oci_layout layout)
{
	const struct oci_record *record = view->record;
	const struct oci_report report = {
		.oci_version = record->oci_version,
		.id = record->id,
		.pid = view->status == STATUS_STOPPED ? 0 : view->pid,
		.status = status_name(view->status),
		.bundle = record->bundle,
		.rootfs = record->rootfs,
		.created = record->created,
		.owner = owner,
		.annotations = record->annotations,
		.annotations_len = record->annotations_len,
	};

	/* The arena had no room for its name. */
	if (record->has_owner && !owner)
		return NULL;
	return oci_encode(&oci_report_object, &report, arena, layout);
}

char *state_for_hooks(const struct oci_record *record, enum status status, pid_t pid,
		      struct arena *arena)
{
	const struct oci_state state = {
		.oci_version = record->oci_version,
		.id = record->id,
		.status = status_name(status),
		.has_pid = pid > 0,
		.pid = pid,
		.bundle = record->bundle,
		.annotations = record->annotations,
		.annotations_len = record->annotations_len,
	};

	return oci_encode(&oci_state_object, &state, arena, OCI_COMPACT);
}

int container_state(const struct state_root *root, const char *id, struct arena *arena,
		    const char **json, struct error *err)
{
	struct view view;
	int r;

	r = view_look(&view, root, id, arena, err);
	if (r < 0)
		return r;
	*json = state_report(&view, state_owner(view.record, arena), arena, OCI_PRETTY);
	return *json ? 0 : arena_full(arena, err);
}
