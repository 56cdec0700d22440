/* A filter that comes compiled, in an annotation.  For the runtime alone. */
#pragma once

#include "linux/container.h"

#define SECCOMP_RAW_ANNOTATION "run.oci.seccomp_bpf_data"

/* Fills in container->seccomp's filter from the annotation's value. */
int seccomp_raw(struct container *container, const char *text, struct error *err);
