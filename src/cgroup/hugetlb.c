/*
 * linux.resources.hugepageLimits: how much memory in huge pages of each size may be used.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#huge-page-limits
 *	https://docs.kernel.org/admin-guide/cgroup-v2.html#hugetlb
 *
 * Where the kernel counts reservations as well (Linux 5.7), they get the same limit: a process that
 * reserved more than it may use would be killed by SIGBUS when it touches it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cgroup/controller.h"

enum { FILE_SIZE = 64 };

static bool hugetlb_asked(const struct oci_resources *resources)
{
	return resources->hugepage_limits_len > 0;
}

/* "64KB", "2MB", "1GB".  It becomes part of a file's name, and must not lead to another one. */
static bool is_page_size(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && digits < 8 &&
	       (strcmp(text + digits, "KB") == 0 || strcmp(text + digits, "MB") == 0 ||
		strcmp(text + digits, "GB") == 0);
}

static int hugetlb_check(const struct oci_resources *resources, struct error *err)
{
	for (size_t i = 0; i < resources->hugepage_limits_len; i++) {
		const char *size = resources->hugepage_limits[i].page_size;

		if (is_page_size(size))
			continue;
		error_config(err, "\"%s\" is not a page size", size);
		error_hint(err, "write one like 64KB, 2MB or 1GB");
		return error_in(err, "[%zu].pageSize", i);
	}
	return 0;
}

static int write_one(const struct target *target, const struct oci_hugepage_limit *limit,
		     const char *ending, struct error *err)
{
	char file[FILE_SIZE], reserved[FILE_SIZE], value[SETTING_SIZE];
	int r;

	snprintf(file, sizeof(file), "hugetlb.%s.%s", limit->page_size, ending);
	snprintf(reserved, sizeof(reserved), "hugetlb.%s.rsvd.%s", limit->page_size, ending);
	snprintf(value, sizeof(value), "%" PRIu64, limit->limit);
	r = target_write(target, file, "limit", value, err);
	if (r == 0 && setting_exists(target->directory, reserved))
		r = target_write(target, reserved, "limit", value, err);
	return r;
}

static int apply(const struct target *target, const struct oci_resources *resources,
		 const char *ending, struct error *err)
{
	for (size_t i = 0; i < resources->hugepage_limits_len; i++)
		if (write_one(target, &resources->hugepage_limits[i], ending, err) < 0)
			return error_in(err, "[%zu]", i);
	return 0;
}

static int hugetlb_apply_v2(const struct target *target, const struct oci_resources *resources,
			    struct error *err)
{
	return apply(target, resources, "max", err);
}

static int hugetlb_apply_v1(const struct target *target, const struct oci_resources *resources,
			    struct error *err)
{
	return apply(target, resources, "limit_in_bytes", err);
}

const struct controller controller_hugetlb = {
	.name = "hugetlb",
	.property = "hugepageLimits",
	.v1_file = "hugetlb.2MB.limit_in_bytes",
	.asked = hugetlb_asked,
	.check = hugetlb_check,
	.apply_v2 = hugetlb_apply_v2,
	.apply_v1 = hugetlb_apply_v1,
};
