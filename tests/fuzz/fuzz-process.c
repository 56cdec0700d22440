/* process.json, as "exec" gets it: the config is right in all but its process. */
#include "fuzz.h"

static int attempt(struct input input, struct arena *arena, struct error *err)
{
	struct oci_root root = {.path = "rootfs"};
	struct oci_config config = {.oci_version = "1.2.0", .root = &root};
	void *process;
	int r = fuzz_decode(&oci_process_object, input, arena, &process, err);

	if (r == 0)
		r = fuzz_round_trip(&oci_process_object, process, arena, err);
	config.process = process;
	return r == 0 ? fuzz_check_config(&config, arena, err) : r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_with_arena(attempt, data, size);
	return 0;
}
