#include "runtime/checkpoint-image.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/entries.h"
#include "basic/file.h"
#include "basic/log.h"
#include "libocispec/decode.h"
#include "libocispec/encode.h"
#include "linux/annotations.h"
#include "linux/seccomp-raw.h"

#define DESCRIPTORS_FILE "descriptors.json"
#define CHECKPOINT_FILE	 "proa.json"
#define UNFINISHED_FILE	 "proa.json.unfinished"
#define PARENT_FOLDER	 "parent" /* CRIU's link to the dump before, which it takes memory from */

/* What a list alone lacks to be an object. */
#define STREAMS_BEFORE "{\"streams\":"
#define STREAMS_BEHIND "}"

enum {
	OTHERS_WRITE = 022,
	ALL_MODES = 07777,
	MOST_PARENTS = 1000,
};

/* -- the directories --------------------------------------------------------------------------- */

static int open_folder(const char *path, bool make, struct error *err)
{
	int fd;

	if (make && mkdir(path, 0700) < 0 && errno != EEXIST)
		return error_errno(err, errno, "make %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_errno(err, errno, "open %s", path) : fd;
}

int checkpoint_image_open(struct checkpoint_image *image, const struct checkpoint_request *request,
			  bool make, struct error *err)
{
	*image = (struct checkpoint_image){-1, -1};
	image->images = open_folder(request->image_path, make, err);
	if (image->images < 0)
		return error_in(err, "--image-path");
	image->work = request->work_path ? open_folder(request->work_path, true, err)
					 : open_folder(request->image_path, false, err);
	return image->work < 0 ? error_in(err, "--work-path") : 0;
}

void checkpoint_image_release(struct checkpoint_image *image)
{
	close_fd(&image->images);
	close_fd(&image->work);
}

static int refuse_writable(const char *name, struct error *err)
{
	error_config(err, "--image-path: others than uid %u may write to %s of the checkpoint",
		     (unsigned int)geteuid(), name);
	error_hint(err, "whoever can change it decides what is run, and as whom; --trust-image "
			"takes it all the same");
	err->code = EPERM;
	return -err->code;
}

static bool is_others(const struct stat *status)
{
	return status->st_uid != geteuid() ||
	       (!S_ISLNK(status->st_mode) && (status->st_mode & OTHERS_WRITE));
}

/* dir is open for this. */
static int trust_folder(int dir, struct error *err)
{
	struct entries entries = {.dir = dir};
	struct stat status;
	const char *name = "the folder";
	bool others;

	if (fstat(dir, &status) < 0)
		return error_errno(err, errno, "--image-path: look at it");
	others = is_others(&status);
	while (!others && (name = entries_next(&entries)) != NULL) {
		if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
			return error_errno(err, errno, "--image-path: look at %s", name);
		others = is_others(&status);
	}
	if (entries.error)
		return error_errno(err, entries.error, "--image-path: read it");
	return others ? refuse_writable(name, err) : 0;
}

int checkpoint_image_trust(const struct checkpoint_image *image, struct error *err)
{
	autoclose int dir = openat(image->images, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; i < MOST_PARENTS && dir >= 0; i++) {
		int parent;

		if (trust_folder(dir, err) < 0)
			return -err->code;
		parent = openat(dir, PARENT_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (parent < 0 && errno == ENOENT)
			return 0;
		close_fd(&dir);
		dir = parent;
	}
	return error_errno(err, dir < 0 ? errno : ELOOP,
			   "--image-path: open the dump before, " PARENT_FOLDER);
}

int checkpoint_image_let_in(const struct checkpoint_image *image, gid_t gid,
			    struct checkpoint_access *before, struct error *err)
{
	struct stat status;

	if (fstat(image->images, &status) < 0)
		return error_errno(err, errno, "--image-path: look at it");
	*before = (struct checkpoint_access){status.st_mode & ALL_MODES, status.st_gid};
	if (fchown(image->images, (uid_t)-1, gid) == 0 &&
	    fchmod(image->images, before->mode | S_IXGRP) == 0)
		return 0;
	error_errno(err, errno, "--image-path: let the user namespace's root in");
	checkpoint_image_close(image, before);
	return -err->code;
}

void checkpoint_image_close(const struct checkpoint_image *image,
			    const struct checkpoint_access *before)
{
	if (fchmod(image->images, before->mode) < 0 ||
	    fchown(image->images, (uid_t)-1, before->gid) < 0)
		log_warning("--image-path: its group and mode are not what they were: %s",
			    strerror(errno));
}

/* -- proa's files ------------------------------------------------------------------------------ */

static const char **list_destinations(const struct oci_config *config, struct arena *arena)
{
	const char **list = arena_array(arena, const char *, config->mounts_len + 1);

	for (size_t i = 0; list && i < config->mounts_len; i++)
		list[i] = config->mounts[i].destination;
	return list;
}

int checkpoint_confinement(const struct oci_config *config, struct arena *arena,
			   struct oci_checkpoint_confinement *confinement, struct error *err)
{
	const struct oci_process *process = config->process;
	const struct oci_linux *properties = config->linux;

	*confinement = (struct oci_checkpoint_confinement){
		.destinations = list_destinations(config, arena),
		.destinations_len = config->mounts_len,
		.seccomp_filter = annotation_find(config, SECCOMP_RAW_ANNOTATION),
	};
	if (!confinement->destinations)
		return arena_full(arena, err);
	if (process) {
		confinement->capabilities = process->capabilities;
		confinement->no_new_privileges = process->no_new_privileges;
		confinement->apparmor_profile = process->apparmor_profile;
		confinement->selinux_label = process->selinux_label;
	}
	if (properties) {
		confinement->seccomp = properties->seccomp;
		confinement->uid_mappings = properties->uid_mappings;
		confinement->uid_mappings_len = properties->uid_mappings_len;
		confinement->gid_mappings = properties->gid_mappings;
		confinement->gid_mappings_len = properties->gid_mappings_len;
		confinement->masked_paths = properties->masked_paths;
		confinement->masked_paths_len = properties->masked_paths_len;
		confinement->readonly_paths = properties->readonly_paths;
		confinement->readonly_paths_len = properties->readonly_paths_len;
	}
	return 0;
}

/* The list alone. */
static char *encode_streams(const char *streams[CHECKPOINT_STREAMS], struct arena *arena)
{
	const struct oci_checkpoint_streams object = {streams, CHECKPOINT_STREAMS};
	char *text = oci_encode(&oci_checkpoint_streams_object, &object, arena, OCI_COMPACT);

	if (!text)
		return NULL;
	text[strlen(text) - strlen(STREAMS_BEHIND)] = '\0';
	return text + strlen(STREAMS_BEFORE);
}

int checkpoint_store(const struct checkpoint_image *image, const struct oci_checkpoint *checkpoint,
		     const char *streams[CHECKPOINT_STREAMS], struct arena *arena,
		     struct error *err)
{
	const char *text = oci_encode(&oci_checkpoint_object, checkpoint, arena, OCI_COMPACT);
	const char *list = encode_streams(streams, arena);
	int r;

	if (!text || !list)
		return arena_full(arena, err);
	if (unlinkat(image->images, CHECKPOINT_FILE, 0) < 0 && errno != ENOENT)
		return error_errno(err, errno, "--image-path: remove the checkpoint before");
	r = file_replace(image->images, DESCRIPTORS_FILE, list, 0600, err);
	if (r == 0)
		r = file_replace(image->images, UNFINISHED_FILE, text, 0600, err);
	return r < 0 ? error_in(err, "--image-path") : 0;
}

int checkpoint_finish(const struct checkpoint_image *image, struct error *err)
{
	if (renameat(image->images, UNFINISHED_FILE, image->images, CHECKPOINT_FILE) == 0)
		return 0;
	return error_errno(err, errno, "--image-path: finish " CHECKPOINT_FILE);
}

void checkpoint_discard(const struct checkpoint_image *image)
{
	unlinkat(image->images, UNFINISHED_FILE, 0);
	unlinkat(image->images, DESCRIPTORS_FILE, 0);
}

int checkpoint_load(const struct checkpoint_image *image, const struct oci_checkpoint **checkpoint,
		    struct arena *arena, struct error *err)
{
	struct oci_source source = {.name = CHECKPOINT_FILE};
	struct oci_decoded decoded = {0};
	char *text = NULL;
	ssize_t length;

	*checkpoint = NULL;
	if (faccessat(image->images, CHECKPOINT_FILE, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
	    errno == ENOENT)
		return 0;
	length = file_read_beneath(arena, image->images, CHECKPOINT_FILE, &text, err);
	if (length < 0)
		return error_in(err, "--image-path");
	source.text = source.own = text;
	source.length = (size_t)length;
	if (oci_decode(&oci_checkpoint_object, &source, arena, &decoded, err) < 0)
		return error_in(err, "--image-path");
	*checkpoint = decoded.value;
	return 0;
}

int checkpoint_load_streams(const struct checkpoint_image *image,
			    const char *streams[CHECKPOINT_STREAMS], struct arena *arena,
			    struct error *err)
{
	struct oci_source source = {.name = DESCRIPTORS_FILE};
	const struct oci_checkpoint_streams *list;
	struct oci_decoded decoded = {0};
	char *text = NULL;
	ssize_t length = file_read_beneath(arena, image->images, DESCRIPTORS_FILE, &text, err);

	memset(streams, 0, CHECKPOINT_STREAMS * sizeof(*streams));
	if (length < 0) {
		if (length == -ENOENT)
			error_hint(err, "it is no checkpoint, or not a whole one");
		return error_in(err, "--image-path");
	}
	source.text = arena_printf(arena, STREAMS_BEFORE "%s" STREAMS_BEHIND, text);
	if (!source.text)
		return arena_full(arena, err);
	source.length = strlen(source.text);
	if (oci_decode(&oci_checkpoint_streams_object, &source, arena, &decoded, err) < 0)
		return error_in(err, "--image-path");
	list = decoded.value;
	for (size_t i = 0; i < list->streams_len && i < CHECKPOINT_STREAMS; i++)
		streams[i] = list->streams[i];
	return 0;
}

/* -- what keeps the processes in --------------------------------------------------------------- */

#define CONFINEMENT(first, last)                                    \
	offsetof(struct oci_checkpoint_confinement, first),         \
		offsetof(struct oci_checkpoint_confinement, last) + \
			sizeof(((struct oci_checkpoint_confinement *)0)->last)

/* Properties of config.json, with the members from one to the other that they are kept in. */
static const struct {
	char path[48];
	size_t begin, end;
	bool label;
} confinements[] = {
	{"process.capabilities", CONFINEMENT(capabilities, capabilities), false},
	{"process.noNewPrivileges", CONFINEMENT(no_new_privileges, no_new_privileges), false},
	{"process.apparmorProfile", CONFINEMENT(apparmor_profile, apparmor_profile), true},
	{"process.selinuxLabel", CONFINEMENT(selinux_label, selinux_label), true},
	{"linux.seccomp", CONFINEMENT(seccomp, seccomp), false},
	{"linux.uidMappings", CONFINEMENT(uid_mappings, uid_mappings_len), false},
	{"linux.gidMappings", CONFINEMENT(gid_mappings, gid_mappings_len), false},
	{"linux.maskedPaths", CONFINEMENT(masked_paths, masked_paths_len), false},
	{"linux.readonlyPaths", CONFINEMENT(readonly_paths, readonly_paths_len), false},
	{"annotations[\"" SECCOMP_RAW_ANNOTATION "\"]", CONFINEMENT(seccomp_filter, seccomp_filter),
	 false},
};

/* The members from begin to end alone, as JSON; NULL if the arena is full. */
static const char *encode_part(const struct oci_checkpoint_confinement *all, size_t begin,
			       size_t end, struct arena *arena)
{
	struct oci_checkpoint_confinement part = {0};

	memcpy((char *)&part + begin, (const char *)all + begin, end - begin);
	return oci_encode(&oci_checkpoint_confinement_object, &part, arena, OCI_COMPACT);
}

static bool had_mount(const struct oci_checkpoint_confinement *had, const char *destination)
{
	for (size_t i = 0; i < had->destinations_len; i++)
		if (strcmp(had->destinations[i], destination) == 0)
			return true;
	return false;
}

/* What it had is restored, as closed as config.json says by now; nothing can be added. */
static int compare_mounts(const struct oci_checkpoint_confinement *had,
			  const struct oci_config *config, struct error *err)
{
	for (size_t i = 0; i < config->mounts_len; i++)
		if (!had_mount(had, config->mounts[i].destination))
			return error_config(err,
					    "mounts[%zu] (%s): the checkpoint has no such mount", i,
					    config->mounts[i].destination);
	return 0;
}

int checkpoint_compare(const struct oci_checkpoint *checkpoint, const struct oci_config *config,
		       bool labels, struct arena *arena, struct error *err)
{
	struct oci_checkpoint_confinement wish;

	if (checkpoint_confinement(config, arena, &wish, err) < 0)
		return -err->code;
	for (size_t i = 0; i < sizeof(confinements) / sizeof(confinements[0]); i++) {
		size_t begin = confinements[i].begin, end = confinements[i].end;
		const char *had = encode_part(checkpoint->confinement, begin, end, arena);
		const char *wanted = encode_part(&wish, begin, end, arena);

		if (!had || !wanted)
			return arena_full(arena, err);
		if (strcmp(had, wanted) == 0 || (confinements[i].label && !labels))
			continue;
		error_config(err, "%s: the checkpoint was made with another one",
			     confinements[i].path);
		return error_hint(err, "its processes get back what they had, whatever config.json "
				       "says; --trust-image restores them all the same");
	}
	return compare_mounts(checkpoint->confinement, config, err);
}
