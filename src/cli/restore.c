/* "restore": a new container goes on where a checkpoint was made. */
#include "cli/criu.h"
#include "cli/request.h"

static const struct option restore_options[] = {
	{"bundle", 'b', "DIR", "the bundle [.]", CHOICE(TEXT, bundle)},
	{"config", 'f', "FILE", "the bundle's configuration [config.json]", CHOICE(TEXT, config)},
	{"console-socket", 0, "PATH", "send the terminal to this socket",
	 CHOICE(TEXT, console_socket)},
	{"detach", 'd', NULL, "do not wait for the container's end", CHOICE(SWITCH, detach)},
	{"keep", 0, NULL, "do not delete the container at its end", CHOICE(SWITCH, keep)},
	{"lazy-pages", 0, NULL, "get the memory when it is needed",
	 CHOICE(SWITCH, criu.lazy_pages)},
	{"lsm-mount-context", 0, "LABEL", "the SELinux label of its mounts",
	 CHOICE(TEXT, criu.lsm_mount_context)},
	{"lsm-profile", 0, "TYPE:NAME", "apparmor or selinux, and the profile or label",
	 CHOICE(TEXT, criu.lsm_profile)},
	{"no-new-keyring", 0, NULL, "let it have the caller's session keyring",
	 CHOICE(SWITCH, no_new_keyring)},
	{"no-pivot", 0, NULL, "accepted for compatibility, of no effect", OPTION_IGNORED, 0},
	{"no-subreaper", 0, NULL, "accepted for compatibility, of no effect", OPTION_IGNORED, 0},
	{"pid-file", 0, "FILE", "write the first process's pid to this file",
	 CHOICE(TEXT, pid_file)},
	{"pidfd-socket", 0, "PATH", "send the first process's pidfd to this socket",
	 CHOICE(TEXT, pidfd_socket)},
	{"tcp-close", 0, NULL, "close the connections that there were",
	 CHOICE(SWITCH, criu.tcp_close)},
	{"trust-image", 0, NULL,
	 "take the checkpoint whoever made it, with what privileges it says",
	 CHOICE(SWITCH, trust_image)},
	{NULL, 0, NULL, NULL, OPTION_IGNORED, 0},
};

static int run(const struct choices *choices, struct error *err)
{
	struct checkpoint_request request;
	struct create_request create;
	struct state_root root = {.fd = -1};
	int exit_status = 0;
	int r = checkpoint_request_from(choices, &request, err);

	if (r == 0)
		r = create_request_from(choices, &create, err);
	if (r == 0)
		r = container_id_validate(create.id, err);
	if (r == 0)
		r = state_root_open(&root, choices->root, true, err);
	if (r == 0)
		r = container_restore(&root, &create, &request, &exit_status, err);
	state_root_release(&root);
	return r < 0 ? r : exit_status;
}

const struct command command_restore = {
	.name = "restore",
	.arguments = "ID",
	.summary = "make a container of a checkpoint",
	.options = {criu_options, restore_options},
	.least = 1,
	.most = 1,
	.run = run,
};
