/* config.json: any text.  What is valid is prepared. */
#include "fuzz.h"

static int attempt(struct input input, struct arena *arena, struct error *err)
{
	void *config;
	int r = fuzz_decode(&oci_config_object, input, arena, &config, err);

	if (r == 0)
		r = fuzz_round_trip(&oci_config_object, config, arena, err);
	return r == 0 ? fuzz_check_config(config, arena, err) : r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_with_arena(attempt, data, size);
	return 0;
}
