#include "runtime/create.h"

#include "runtime/creation.h"

int container_create(const struct state_root *root, const struct create_request *request,
		     struct error *err)
{
	struct creation creation = {.root = root, .request = request};
	int r = creation_make(&creation, false, err);

	creation_release(&creation);
	return r;
}
