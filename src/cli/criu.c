#include "cli/criu.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "basic/large.h"
#include "basic/names.h"

enum { MOST_PORT = 65535 };

const struct option criu_options[] = {
	{"empty-ns", 0, "TYPE", "leave the namespace empty: network", CHOICE(LIST, empty_ns)},
	{"ext-unix-sk", 0, NULL, "allow unix sockets that lead out",
	 CHOICE(SWITCH, criu.external_sockets)},
	{"file-locks", 0, NULL, "allow file locks", CHOICE(SWITCH, criu.file_locks)},
	{"image-path", 0, "DIR", "the folder of the checkpoint [checkpoint]",
	 CHOICE(TEXT, image_path)},
	{"manage-cgroups-mode", 0, "MODE", "soft, full, strict or ignore [soft]",
	 CHOICE(TEXT, cgroups_mode)},
	{"shell-job", 0, NULL, "allow a terminal and a session that are the caller's",
	 CHOICE(SWITCH, criu.shell_job)},
	{"tcp-established", 0, NULL, "keep open connections", CHOICE(SWITCH, criu.tcp_established)},
	{"work-path", 0, "DIR", "where CRIU's log goes [--image-path]", CHOICE(TEXT, work_path)},
	{NULL, 0, NULL, NULL, OPTION_IGNORED, 0},
};

static const struct name cgroups_modes[] = {
	{"soft", CRIU_CGROUPS_SOFT},
	{"full", CRIU_CGROUPS_FULL},
	{"strict", CRIU_CGROUPS_STRICT},
	{"ignore", CRIU_CGROUPS_IGNORE},
	{"", 0},
};

static const struct name network_locks[] = {
	{"iptables", CRIU_LOCK_IPTABLES},
	{"nftables", CRIU_LOCK_NFTABLES},
	{"skip", CRIU_LOCK_SKIP},
	{"", 0},
};

/* 0 if nothing was said. */
static int choose(const char *option, const struct name *names, const char *text, struct error *err)
{
	const struct name *name = text ? name_find(names, text) : NULL;

	if (!text || name)
		return name ? name->value : 0;
	return error_config(err, "--%s: \"%s\" is none of those that --help shows", option, text);
}

/* HOST:PORT; a host may be an address with colons. */
static int take_server(const char *text, struct criu_options *wish, struct error *err)
{
	static char host[256] LARGE;
	const char *colon = text ? strrchr(text, ':') : NULL;
	char *rest = NULL;
	long port = colon ? strtol(colon + 1, &rest, 10) : 0;
	size_t length = colon ? (size_t)(colon - text) : 0;

	if (!text)
		return 0;
	if (length == 0 || length >= sizeof(host) || *rest || port < 1 || port > MOST_PORT)
		return error_config(err, "--page-server: \"%s\" is no HOST:PORT", text);
	memcpy(host, text, length);
	wish->server = host;
	wish->server_port = (int)port;
	return 0;
}

static int take_namespaces(const struct text_list *list, struct criu_options *wish,
			   struct error *err)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->items[i], "network") != 0)
			return error_config(err, "--empty-ns: \"%s\" cannot be left empty",
					    list->items[i]);
		wish->empty_namespaces |= CLONE_NEWNET;
	}
	return 0;
}

static int take_status(unsigned int fd, struct criu_options *wish, struct error *err)
{
	if (fd && fcntl((int)fd, F_GETFD) < 0)
		return error_config(err, "--status-fd: %u is not open", fd);
	wish->status = (int)fd;
	return 0;
}

int checkpoint_request_from(const struct choices *choices, struct checkpoint_request *request,
			    struct error *err)
{
	int mode, lock;

	*request = (struct checkpoint_request){
		.id = choices->arguments[0],
		.image_path = choices->image_path ? choices->image_path : CHECKPOINT_USUAL_FOLDER,
		.work_path = choices->work_path,
		.wish = choices->criu,
		.pre_dump = choices->pre_dump,
		.trust_image = choices->trust_image,
	};
	mode = choose("manage-cgroups-mode", cgroups_modes, choices->cgroups_mode, err);
	lock = mode < 0 ? mode : choose("network-lock", network_locks, choices->network_lock, err);
	if (lock < 0)
		return lock;
	request->wish.cgroups_mode = (enum criu_cgroups_mode)mode;
	request->wish.network_lock = (enum criu_network_lock)lock;
	if (take_server(choices->page_server, &request->wish, err) < 0 ||
	    take_namespaces(&choices->empty_ns, &request->wish, err) < 0)
		return -err->code;
	return take_status(choices->status_fd, &request->wish, err);
}
