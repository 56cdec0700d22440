/*
 * linux.resources.cpu: how much processor time may be used.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#cpu
 *	https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu
 *	https://docs.kernel.org/scheduler/sched-bwc.html
 *
 * Engines write 0 for what the user did not set, so a 0 of shares, quota or period changes nothing;
 * a negative quota asks for no limit.
 */
#include "cgroup/cpu.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "basic/file.h"
#include "cgroup/controller.h"

enum {
	LEAST_SHARES = 2,
	MOST_SHARES = 262144,
	MOST_WEIGHT = 10000,
	LEAST_TIME = 1000, /* microseconds: of a quota and of a period */
	MOST_PERIOD = 1000000,
};

/* -- shares become a weight ------------------------------------------------------------------- */

/* The natural logarithm of a number of 1 to 2. */
static double logarithm(double x)
{
	double z = (x - 1) / (x + 1), power = z, sum = 0;

	for (int i = 1; i < 40; i += 2) {
		sum += power / i;
		power *= z * z;
	}
	return 2 * sum;
}

/* e to the power of a number of 0 to 3 times ln 10. */
static double exponential(double x)
{
	double term = 1, sum = 1;

	for (int i = 1; i < 60; i++) {
		term *= x / i;
		sum += term;
	}
	return sum;
}

/*
 * Shares of version 1, with 1024 as usual, onto weights of version 2, with 100 as usual: the curve
 * through (2, 1), (1024, 100) and (262144, 10000) on which the runtimes and Kubernetes have agreed.
 * With l the binary logarithm of shares, the weight is 10 ^ ((l^2 + 125 l) / 612 - 7 / 34), rounded
 * up.  Reckoned here because the mathematical library would weigh more than this does.
 */
uint64_t cpu_weight(uint64_t shares)
{
	const double ln2 = 0.693147180559945309417, ln10 = 2.302585092994045684018;
	double mantissa = (double)shares, l = 0, weight;
	uint64_t rounded;

	if (shares <= LEAST_SHARES)
		return 1;
	if (shares >= MOST_SHARES)
		return MOST_WEIGHT;
	for (; mantissa >= 2; mantissa /= 2)
		l++;
	l += logarithm(mantissa) / ln2;
	weight = exponential(((l * l + 125 * l) / 612 - 7.0 / 34) * ln10);
	rounded = (uint64_t)weight;
	/* What is a whole number by the formula may come out a little above it. */
	return weight - (double)rounded > 1e-8 ? rounded + 1 : rounded;
}

/* -- both versions ---------------------------------------------------------------------------- */

static bool has_shares(const struct oci_cpu *cpu)
{
	return cpu->has_shares && cpu->shares != 0;
}

static bool has_quota(const struct oci_cpu *cpu)
{
	return cpu->has_quota && cpu->quota != 0;
}

static bool has_period(const struct oci_cpu *cpu)
{
	return cpu->has_period && cpu->period != 0;
}

static bool has_realtime(const struct oci_cpu *cpu)
{
	return (cpu->has_realtime_runtime && cpu->realtime_runtime != 0) ||
	       (cpu->has_realtime_period && cpu->realtime_period != 0);
}

static bool cpu_asked(const struct oci_resources *resources)
{
	const struct oci_cpu *cpu = resources->cpu;

	return cpu && (has_shares(cpu) || has_quota(cpu) || has_period(cpu) || has_realtime(cpu) ||
		       cpu->has_burst || cpu->has_idle);
}

/* What the kernel takes, in microseconds; larger quotas and bursts are a matter of its own. */
static int check_time(bool has, uint64_t time, uint64_t most, const char *property,
		      struct error *err)
{
	if (!has || (time >= LEAST_TIME && time <= most))
		return 0;
	error_config(err, "%s: %" PRIu64 " is %s", property, time,
		     time < LEAST_TIME ? "below 1000" : "above 1000000");
	return error_hint(err, "it is a number of microseconds");
}

static int cpu_check(const struct oci_resources *resources, struct error *err)
{
	const struct oci_cpu *cpu = resources->cpu;
	int r;

	if (cpu->has_idle && cpu->idle != 0 && cpu->idle != 1)
		return error_config(err, "idle: %" PRId64 " is neither 0 nor 1", cpu->idle);
	r = check_time(has_quota(cpu) && cpu->quota > 0, (uint64_t)cpu->quota, UINT64_MAX, "quota",
		       err);
	if (r == 0)
		r = check_time(has_period(cpu), cpu->period, MOST_PERIOD, "period", err);
	if (r < 0)
		return r;
	if (cpu->has_burst && cpu->quota > 0 && cpu->burst > (uint64_t)cpu->quota)
		return error_config(err, "burst: %" PRIu64 " is more than the quota, %" PRId64,
				    cpu->burst, cpu->quota);
	if (cpu->realtime_period > 0 && cpu->realtime_runtime > 0 &&
	    (uint64_t)cpu->realtime_runtime > cpu->realtime_period)
		return error_config(err,
				    "realtimeRuntime: %" PRId64 " is more than realtimePeriod, "
				    "%" PRIu64,
				    cpu->realtime_runtime, cpu->realtime_period);
	return 0;
}

static int cpu_check_v2(const struct oci_resources *resources, struct error *err)
{
	if (!has_realtime(resources->cpu))
		return 0;
	return setting_unknown("realtimeRuntime and realtimePeriod", "2", err);
}

static bool is_idle(const struct target *target)
{
	uint64_t idle;

	return setting_read(target->directory, "cpu.idle", &idle) == 0 && idle == 1;
}

static int write_shares(const struct target *target, const char *file, uint64_t weight,
			struct error *err)
{
	int r = target_write_number(target, file, "shares", (int64_t)weight, err);

	if (r == -EINVAL && is_idle(target)) {
		error_config(err, "shares: the cgroup is idle, and has none");
		error_hint(err, "set linux.resources.cpu.idle to 0 as well");
	}
	return r;
}

/* Being idle takes the place of a weight: that is written before it becomes idle, where it is not
 * so already, or after it ceases to be. */
static int write_weight(const struct target *target, const struct oci_cpu *cpu, const char *file,
			uint64_t weight, struct error *err)
{
	bool becomes_idle = cpu->has_idle && cpu->idle == 1;
	int r = 0;

	if (cpu->has_idle && cpu->idle == 0)
		r = target_write_number(target, "cpu.idle", "idle", 0, err);
	if (r == 0 && has_shares(cpu) && !(becomes_idle && is_idle(target)))
		r = write_shares(target, file, weight, err);
	if (r == 0 && becomes_idle)
		r = target_write_number(target, "cpu.idle", "idle", 1, err);
	return r;
}

struct bandwidth {
	const char *burst_file;
	int (*write_quota)(const struct target *target, const struct oci_cpu *cpu,
			   struct error *err);
};

/* A quota below the burst that was set before is refused by a kernel that does not say so. */
static int explain_quota(const struct target *target, const struct oci_cpu *cpu,
			 const char *burst_file, struct error *err)
{
	uint64_t burst;

	if (err->code != EINVAL || cpu->has_burst || cpu->quota <= 0 ||
	    setting_read(target->directory, burst_file, &burst) < 0 ||
	    burst <= (uint64_t)cpu->quota)
		return -err->code;
	error_config(err, "quota: %" PRId64 " is less than the burst that is set, %" PRIu64,
		     cpu->quota, burst);
	return error_hint(err, "set linux.resources.cpu.burst as well");
}

/* The kernel keeps burst <= quota at each moment, and we do not know which way they go. */
static int write_bandwidth(const struct target *target, const struct oci_cpu *cpu,
			   const struct bandwidth *how, struct error *err)
{
	bool again = false;
	int r = 0;

	/* No burst is what a kernel before 5.14 has. */
	if (cpu->has_burst && (cpu->burst || setting_exists(target->directory, how->burst_file))) {
		r = target_write_number(target, how->burst_file, "burst", (int64_t)cpu->burst, err);
		again = r == -EINVAL && has_quota(cpu);
	}
	if (r < 0 && !again)
		return r;
	if (how->write_quota(target, cpu, err) < 0)
		return explain_quota(target, cpu, how->burst_file, err);
	if (!again)
		return 0;
	return target_write_number(target, how->burst_file, "burst", (int64_t)cpu->burst, err);
}

/* -- version 2 -------------------------------------------------------------------------------- */

/* Reads the quota of cpu.max, "max" or a number. */
static void read_quota(const char *directory, char quota[SETTING_SIZE])
{
	char path[PATH_MAX];
	ssize_t length;

	snprintf(path, sizeof(path), "%s/cpu.max", directory);
	length = file_read_small(AT_FDCWD, path, quota, SETTING_SIZE);
	quota[length > 0 ? strcspn(quota, " ") : 0] = '\0';
	if (quota[0] == '\0')
		snprintf(quota, SETTING_SIZE, V2_NO_LIMIT);
}

/* cpu.max is "QUOTA PERIOD"; what is not given stays as it is. */
static int write_max(const struct target *target, const struct oci_cpu *cpu, struct error *err)
{
	char quota[SETTING_SIZE], value[2 * SETTING_SIZE];

	if (!has_quota(cpu) && !has_period(cpu))
		return 0;
	if (!has_quota(cpu))
		read_quota(target->directory, quota);
	else if (cpu->quota < 0)
		snprintf(quota, sizeof(quota), V2_NO_LIMIT);
	else
		snprintf(quota, sizeof(quota), "%" PRId64, cpu->quota);
	if (!has_period(cpu))
		return target_write(target, "cpu.max", "quota", quota, err);
	snprintf(value, sizeof(value), "%s %" PRIu64, quota, cpu->period);
	return target_write(target, "cpu.max", has_quota(cpu) ? "quota" : "period", value, err);
}

static int cpu_apply_v2(const struct target *target, const struct oci_resources *resources,
			struct error *err)
{
	static const struct bandwidth bandwidth = {"cpu.max.burst", write_max};
	const struct oci_cpu *cpu = resources->cpu;
	int r = write_weight(target, cpu, "cpu.weight", cpu_weight(cpu->shares), err);

	return r < 0 ? r : write_bandwidth(target, cpu, &bandwidth, err);
}

/* -- version 1 -------------------------------------------------------------------------------- */

struct pair {
	const char *runtime_file, *runtime_property;
	const char *period_file, *period_property;
	bool has_runtime, has_period;
	int64_t runtime;
	uint64_t period;
};

static int write_period(const struct target *target, const struct pair *pair, struct error *err)
{
	return target_write_number(target, pair->period_file, pair->period_property,
				   (int64_t)pair->period, err);
}

/* The kernel checks their ratio against the parent's at each moment: if the new period does not
 * fit the old run time, it fits the new one. */
static int write_pair(const struct target *target, const struct pair *pair, struct error *err)
{
	bool again = false;
	int r = 0;

	if (pair->has_period) {
		r = write_period(target, pair, err);
		again = r == -EINVAL && pair->has_runtime;
	}
	if (r < 0 && !again)
		return r;
	if (!pair->has_runtime)
		return 0;
	r = target_write_number(target, pair->runtime_file, pair->runtime_property, pair->runtime,
				err);
	return r < 0 || !again ? r : write_period(target, pair, err);
}

static int write_quota_v1(const struct target *target, const struct oci_cpu *cpu, struct error *err)
{
	const struct pair pair = {
		"cpu.cfs_quota_us",
		"quota",
		"cpu.cfs_period_us",
		"period",
		has_quota(cpu),
		has_period(cpu),
		cpu->quota < 0 ? -1 : cpu->quota,
		cpu->period,
	};

	return write_pair(target, &pair, err);
}

static int write_realtime(const struct target *target, const struct oci_cpu *cpu, struct error *err)
{
	const struct pair pair = {
		"cpu.rt_runtime_us",
		"realtimeRuntime",
		"cpu.rt_period_us",
		"realtimePeriod",
		cpu->has_realtime_runtime && cpu->realtime_runtime != 0,
		cpu->has_realtime_period && cpu->realtime_period != 0,
		cpu->realtime_runtime,
		cpu->realtime_period,
	};

	return write_pair(target, &pair, err);
}

static int cpu_apply_v1(const struct target *target, const struct oci_resources *resources,
			struct error *err)
{
	static const struct bandwidth bandwidth = {"cpu.cfs_burst_us", write_quota_v1};
	const struct oci_cpu *cpu = resources->cpu;
	int r = write_weight(target, cpu, "cpu.shares", cpu->shares, err);

	if (r == 0)
		r = write_bandwidth(target, cpu, &bandwidth, err);
	return r < 0 ? r : write_realtime(target, cpu, err);
}

const struct controller controller_cpu = {
	.name = "cpu",
	.property = "cpu",
	.v1_file = "cpu.shares",
	.asked = cpu_asked,
	.check = cpu_check,
	.check_v2 = cpu_check_v2,
	.apply_v2 = cpu_apply_v2,
	.apply_v1 = cpu_apply_v1,
};
