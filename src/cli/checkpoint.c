/* "checkpoint": a container's processes are written to files. */
#include "cli/criu.h"

static const struct option checkpoint_options[] = {
	{"auto-dedup", 0, NULL, "give back what of the dump before is not needed any more",
	 CHOICE(SWITCH, criu.auto_dedup)},
	{"lazy-pages", 0, NULL, "keep the memory, and serve it to who asks for it",
	 CHOICE(SWITCH, criu.lazy_pages)},
	{"leave-running", 'R', NULL, "let the container go on", CHOICE(SWITCH, criu.leave_running)},
	{"link-remap", 0, NULL, "link files that have been removed to names of their own",
	 CHOICE(SWITCH, criu.link_remap)},
	{"network-lock", 0, "METHOD", "how connections are kept: iptables, nftables or skip",
	 CHOICE(TEXT, network_lock)},
	{"page-server", 0, "HOST:PORT", "send the memory to this page server",
	 CHOICE(TEXT, page_server)},
	{"parent-path", 0, "DIR", "the dump before, as seen from --image-path",
	 CHOICE(TEXT, criu.parent)},
	{"pre-dump", 'P', NULL, "write the memory alone, and let the container go on",
	 CHOICE(SWITCH, pre_dump)},
	{"status-fd", 0, "FD", "write a byte here when --lazy-pages can be asked for",
	 CHOICE(NUMBER, status_fd)},
	{"tcp-skip-in-flight", 0, NULL, "leave out connections that are being made",
	 CHOICE(SWITCH, criu.tcp_skip_in_flight)},
	{NULL, 0, NULL, NULL, OPTION_IGNORED, 0},
};

static int run(const struct choices *choices, struct error *err)
{
	struct checkpoint_request request;
	struct state_root root = {.fd = -1};
	int r = checkpoint_request_from(choices, &request, err);

	if (r == 0)
		r = state_root_open(&root, choices->root, false, err);
	if (r == 0)
		r = container_checkpoint(&root, &request, err);
	state_root_release(&root);
	return r;
}

const struct command command_checkpoint = {
	.name = "checkpoint",
	.arguments = "ID",
	.summary = "write a container's processes to files, and stop it",
	.options = {criu_options, checkpoint_options},
	.least = 1,
	.most = 1,
	.run = run,
};
