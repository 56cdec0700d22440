#include "runtime/record.h"

#include <errno.h>

#include "basic/file.h"
#include "libocispec/decode.h"
#include "libocispec/encode.h"

int record_load(int directory, struct arena *arena, const struct oci_record **record,
		struct error *err)
{
	struct oci_source source = {.name = RECORD_FILE};
	struct oci_decoded decoded;
	ssize_t length;
	char *text;
	int r;

	length = file_read(arena, directory, RECORD_FILE, &text, err);
	if (length < 0)
		return (int)length;
	source.text = text;
	source.length = (size_t)length;
	r = oci_decode(&oci_record_object, &source, arena, &decoded, err);
	if (r == 0)
		*record = decoded.value;
	return r;
}

int record_store(int directory, const struct oci_record *record, struct arena *arena,
		 struct error *err)
{
	const char *text = oci_encode(&oci_record_object, record, arena, OCI_COMPACT);

	if (!text)
		return arena_full(arena, err);
	return file_replace(directory, RECORD_FILE, text, 0600, err);
}

struct process record_init(const struct oci_record *record)
{
	const struct oci_record_process *init = record->init;

	if (!init)
		return (struct process){.pid = 0};
	return (struct process){
		.pid = init->pid,
		.start_time = init->start_time,
		.pidfd_inode = init->has_pidfd_inode ? init->pidfd_inode : 0,
	};
}
