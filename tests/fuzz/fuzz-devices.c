/*
 * linux.resources.devices: rules made of the bytes; the program that proa loads for version 2 of cgroups is
 * run here on accesses made of the bytes, and compared with what the rules say, also when those that change
 * nothing are taken out.
 */
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/device-program.h"
#include "cgroup/devices.h"
#include "fuzz.h"

enum { MOST_RULES = 12, MOST_CODE = 512, QUESTIONS = 8 };

static struct bpf_insn code[MOST_CODE];
static size_t code_length;

static uint64_t run(const struct bpf_cgroup_dev_ctx *context)
{
	uint64_t answer;

	EXPECT(device_program_run(code, code_length, context, &answer));
	return answer;
}

/* -- what the rules say: the last that speaks of a device and of one way to use it decides ------- */

static bool speaks_of(const struct device_rule *rule, const struct bpf_cgroup_dev_ctx *context,
		      unsigned int way)
{
	char type = (context->access_type & 0xffff) == BPF_DEVCG_DEV_BLOCK ? 'b' : 'c';

	return (rule->type == 'a' || rule->type == type) && (rule->access & way) &&
	       (rule->major == DEVICE_ANY || rule->major == context->major) &&
	       (rule->minor == DEVICE_ANY || rule->minor == context->minor);
}

static bool allowed(const struct device_rules *list, const struct bpf_cgroup_dev_ctx *context)
{
	for (unsigned int way = 1; way <= ACCESS_WRITE; way <<= 1) {
		bool allow = list->all;

		if (!(context->access_type >> 16 & way))
			continue;
		for (size_t i = 0; i < list->count; i++)
			if (speaks_of(&list->rules[i], context, way))
				allow = list->rules[i].allow;
		if (!allow)
			return false;
	}
	return true;
}

/* -- from bytes -------------------------------------------------------------------------------- */

/* Mostly a few numbers, so that rules meet; sometimes any. */
static uint32_t take_device_number(struct input *input)
{
	static const uint32_t numbers[] = {0, 1, 2, 3, 5, 8, 136, UINT32_MAX};
	uint8_t choice = input_byte(input);

	return choice < 0xf0 ? numbers[choice % 8] : (uint32_t)input_number(input, 4);
}

static void take_rule(struct input *input, struct oci_device_rule *rule)
{
	static const char *const types[] = {NULL, "a", "b", "c", "u", "", "b", "c"};
	static const char *const accesses[] = {NULL, "r", "w", "m", "rw", "rm", "wm", "rwm"};
	uint8_t bits = input_byte(input), more = input_byte(input);

	*rule = (struct oci_device_rule){
		.allow = bits & 1,
		.type = types[bits >> 1 & 7],
		.access = accesses[bits >> 4 & 7],
		.has_major = more & 1,
		.has_minor = more & 2,
		.major = more & 4 ? -1 : (int64_t)take_device_number(input),
		.minor = more & 8 ? -1 : (int64_t)take_device_number(input),
	};
}

static struct bpf_cgroup_dev_ctx take_question(struct input *input)
{
	uint8_t bits = input_byte(input);

	return (struct bpf_cgroup_dev_ctx){
		.access_type = (uint32_t)(bits % 7 + 1) << 16 |
			       (bits & 0x80 ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
		.major = take_device_number(input) & 0xfff, /* as large as the kernel's are */
		.minor = take_device_number(input) & 0xfffff,
	};
}

static void load(const struct device_rules *list)
{
	EXPECT(devices_program_size(list) <= MOST_CODE);
	code_length = devices_program(list, code);
	EXPECT(code_length <= devices_program_size(list));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct error err;
	struct input input = {data, size};
	struct oci_device_rule rules[MOST_RULES];
	struct oci_resources resources = {.devices = rules,
					  .devices_len = input_byte(&input) % MOST_RULES};
	struct device_rules list;

	for (size_t i = 0; i < resources.devices_len; i++)
		take_rule(&input, &rules[i]);
	EXPECT(devices_check(&resources, &err) == 0);
	EXPECT(devices_rules(&resources, &list, &err) == 0);
	for (int i = 0; i < QUESTIONS; i++) {
		const struct bpf_cgroup_dev_ctx question = take_question(&input);
		bool expected = allowed(&list, &question);

		load(&list);
		EXPECT(run(&question) == expected);
		devices_minimise(&list);
		load(&list);
		EXPECT(run(&question) == expected);
	}
	devices_release(&list);
	return 0;
}
