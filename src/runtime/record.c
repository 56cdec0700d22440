#include "runtime/record.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/file.h"
#include "basic/log.h"
#include "basic/syscalls.h"
#include "libocispec/decode.h"
#include "libocispec/encode.h"

enum { RECORD_PATH_SIZE = NAME_MAX + sizeof("/" RECORD_PLANNED) };

/* In the directory itself, or in that of the container id below. */
static const char *path_of(char path[RECORD_PATH_SIZE], const char *id, const char *name)
{
	size_t length = id ? strnlen(id, NAME_MAX) : 0;

	if (id) {
		memcpy(path, id, length);
		path[length++] = '/';
	}
	memcpy(path + length, name, strlen(name) + 1);
	return path;
}

static int load(int directory, const char *path, struct arena *arena,
		const struct oci_record **record, struct error *err)
{
	const char *slash = strchr(path, '/');
	struct oci_source source = {.name = slash ? slash + 1 : path};
	struct oci_decoded decoded;
	ssize_t length;
	char *text;
	int r;

	length = file_read_beneath(arena, directory, path, &text, err);
	if (length < 0)
		return (int)length;
	source.text = source.own = text;
	source.length = (size_t)length;
	r = oci_decode(&oci_record_object, &source, arena, &decoded, err);
	if (r == 0)
		*record = decoded.value;
	return r;
}

static int load_planned(int directory, const char *path, struct arena *arena,
			const struct oci_record **record, struct error *err)
{
	int r = load(directory, path, arena, record, err);

	if (r == -EINVAL)
		return error_errno(err, ENOENT, "read " RECORD_PLANNED);
	if (r == 0 && (*record)->cgroup)
		(*record)->cgroup->made = false;
	return r;
}

int record_look(int root, const char *id, struct arena *arena, const struct oci_record **record,
		struct error *err)
{
	char file[RECORD_PATH_SIZE], planned[RECORD_PATH_SIZE];
	int r = load(root, path_of(file, id, RECORD_FILE), arena, record, err);

	if (r == -ENOENT)
		r = load_planned(root, path_of(planned, id, RECORD_PLANNED), arena, record, err);
	if (r == -ENOENT) /* or it has got its name meanwhile */
		r = load(root, file, arena, record, err);
	return r;
}

int record_load(int directory, struct arena *arena, const struct oci_record **record,
		struct error *err)
{
	return record_look(directory, NULL, arena, record, err);
}

int record_load_before(int directory, struct arena *arena, const struct oci_record **record,
		       struct error *err)
{
	return load(directory, RECORD_BEFORE, arena, record, err);
}

bool record_exists(int root, const char *id)
{
	char path[RECORD_PATH_SIZE];

	return faccessat(root, path_of(path, id, RECORD_FILE), F_OK, 0) == 0 ||
	       faccessat(root, path_of(path, id, RECORD_PLANNED), F_OK, 0) == 0;
}

int record_plan(int directory, const struct oci_record *record, struct arena *arena,
		struct error *err)
{
	const char *text = oci_encode(&oci_record_object, record, arena, OCI_COMPACT);

	return text ? file_make(directory, RECORD_PLANNED, text, strlen(text), err)
		    : arena_full(arena, err);
}

int record_confirm(int directory, struct error *err)
{
	if (renameat(directory, RECORD_PLANNED, directory, RECORD_FILE) < 0)
		return error_errno(err, errno, "rename " RECORD_PLANNED);
	return 0;
}

/* Where the two names cannot be exchanged.  A state directory that has no links keeps none before. */
static int replace_by_link(int directory, const char *text, struct error *err)
{
	if ((unlinkat(directory, RECORD_BEFORE, 0) < 0 && errno != ENOENT) ||
	    linkat(directory, RECORD_FILE, directory, RECORD_BEFORE, 0) < 0)
		log_debug("the record before is not kept: errno %d", errno);
	return file_replace(directory, RECORD_FILE, text, 0600, err);
}

/*
 * The one that is replaced stays as RECORD_BEFORE, for "delete --force" when the disk has damaged the record:
 * it tells already what is to be killed and removed.  The file is a new one each time: whoever reads the record
 * meanwhile, without a lock, has one open that nobody writes to.
 */
int record_write(int directory, const struct oci_record *record, struct arena *arena,
		 const char **text, struct error *err)
{
	*text = oci_encode(&oci_record_object, record, arena, OCI_COMPACT);
	if (!*text)
		return arena_full(arena, err);
	if (unlinkat(directory, RECORD_BEFORE, 0) < 0 && errno != ENOENT)
		return error_errno(err, errno, "remove %s", RECORD_BEFORE);
	return file_make(directory, RECORD_BEFORE, *text, strlen(*text), err);
}

int record_put(int directory, const char *text, struct error *err)
{
	if (sys_exchange(directory, RECORD_BEFORE, RECORD_FILE) == 0)
		return 0;
	return replace_by_link(directory, text, err);
}

int record_store(int directory, const struct oci_record *record, struct arena *arena,
		 struct error *err)
{
	const char *text;
	int r = record_write(directory, record, arena, &text, err);

	return r == 0 ? record_put(directory, text, err) : r;
}

struct process record_init(const struct oci_record *record)
{
	const struct oci_record_process *init = record->init;

	if (!init)
		return (struct process){.pid = 0};
	return (struct process){
		.pid = init->pid,
		.start_time = init->has_start_time ? init->start_time : 0,
		.pidfd_inode = init->has_pidfd_inode ? init->pidfd_inode : 0,
	};
}
