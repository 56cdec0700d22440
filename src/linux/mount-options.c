/*
 * mounts[].options, see mount-options.h.  All is parsed by the runtime before anything is made, so that
 * init finds bit masks and file system parameters which it has only to hand to the kernel.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#linux-mount-options
 */
#include "linux/mount-options.h"

#include <string.h>

#include "basic/syscalls.h"

enum option_kind {
	NOTHING, /* what the kernel does anyway, or does no longer */
	SET,	 /* value: MOUNT_ATTR_* */
	CLEAR,
	TIME,	/* value: one of MOUNT_ATTR__ATIME, which is a number and not a bit mask */
	UNTIME, /* value: the one that it is not to be */
	REC_SET,
	REC_CLEAR,
	REC_TIME,
	REC_UNTIME,
	FLAG,	/* a flag of the file system, which has the word's own name */
	UNFLAG, /* its opposite: no FLAG of the row before */
	PROPAGATION,
	BIND,
	REC_BIND,
	REMOUNT,
	EXTRA, /* value: EXTRA_* */
};

enum { WORD_SIZE = 16 };

/* The words lie in the table, and not behind pointers that would have to be relocated at each start; all of one size,
 * so that two numbers are compared instead of texts. */
struct option {
	char word[WORD_SIZE];
	enum option_kind kind;
	unsigned int value;
};

static const struct option options_table[] = {
	{"defaults", NOTHING, 0},
	{"ro", SET, MOUNT_ATTR_RDONLY},
	{"rw", CLEAR, MOUNT_ATTR_RDONLY},
	{"nosuid", SET, MOUNT_ATTR_NOSUID},
	{"suid", CLEAR, MOUNT_ATTR_NOSUID},
	{"nodev", SET, MOUNT_ATTR_NODEV},
	{"dev", CLEAR, MOUNT_ATTR_NODEV},
	{"noexec", SET, MOUNT_ATTR_NOEXEC},
	{"exec", CLEAR, MOUNT_ATTR_NOEXEC},
	{"nosymfollow", SET, MOUNT_ATTR_NOSYMFOLLOW},
	{"symfollow", CLEAR, MOUNT_ATTR_NOSYMFOLLOW},
	{"nodiratime", SET, MOUNT_ATTR_NODIRATIME},
	{"diratime", CLEAR, MOUNT_ATTR_NODIRATIME},
	{"noatime", TIME, MOUNT_ATTR_NOATIME},
	{"atime", UNTIME, MOUNT_ATTR_NOATIME},
	{"relatime", TIME, MOUNT_ATTR_RELATIME},
	{"norelatime", NOTHING, 0}, /* relatime is what there is without the others */
	{"strictatime", TIME, MOUNT_ATTR_STRICTATIME},
	{"nostrictatime", UNTIME, MOUNT_ATTR_STRICTATIME},

	{"rro", REC_SET, MOUNT_ATTR_RDONLY},
	{"rrw", REC_CLEAR, MOUNT_ATTR_RDONLY},
	{"rnosuid", REC_SET, MOUNT_ATTR_NOSUID},
	{"rsuid", REC_CLEAR, MOUNT_ATTR_NOSUID},
	{"rnodev", REC_SET, MOUNT_ATTR_NODEV},
	{"rdev", REC_CLEAR, MOUNT_ATTR_NODEV},
	{"rnoexec", REC_SET, MOUNT_ATTR_NOEXEC},
	{"rexec", REC_CLEAR, MOUNT_ATTR_NOEXEC},
	{"rnosymfollow", REC_SET, MOUNT_ATTR_NOSYMFOLLOW},
	{"rsymfollow", REC_CLEAR, MOUNT_ATTR_NOSYMFOLLOW},
	{"rnodiratime", REC_SET, MOUNT_ATTR_NODIRATIME},
	{"rdiratime", REC_CLEAR, MOUNT_ATTR_NODIRATIME},
	{"rnoatime", REC_TIME, MOUNT_ATTR_NOATIME},
	{"ratime", REC_UNTIME, MOUNT_ATTR_NOATIME},
	{"rrelatime", REC_TIME, MOUNT_ATTR_RELATIME},
	{"rnorelatime", NOTHING, 0},
	{"rstrictatime", REC_TIME, MOUNT_ATTR_STRICTATIME},
	{"rnostrictatime", REC_UNTIME, MOUNT_ATTR_STRICTATIME},

	{"sync", FLAG, 0},
	{"async", UNFLAG, 0},
	{"dirsync", FLAG, 0},
	{"lazytime", FLAG, 0},
	{"nolazytime", UNFLAG, 0},
	{"mand", FLAG, 0},
	{"nomand", UNFLAG, 0},
	{"iversion", FLAG, 0},
	{"noiversion", UNFLAG, 0},
	{"silent", NOTHING, 0}, /* fsconfig(2) gives the kernel's words to the caller alone */
	{"loud", NOTHING, 0},

	{"private", PROPAGATION, MS_PRIVATE},
	{"rprivate", PROPAGATION, MS_PRIVATE | MS_REC},
	{"shared", PROPAGATION, MS_SHARED},
	{"rshared", PROPAGATION, MS_SHARED | MS_REC},
	{"slave", PROPAGATION, MS_SLAVE},
	{"rslave", PROPAGATION, MS_SLAVE | MS_REC},
	{"unbindable", PROPAGATION, MS_UNBINDABLE},
	{"runbindable", PROPAGATION, MS_UNBINDABLE | MS_REC},

	{"bind", BIND, 0},
	{"rbind", REC_BIND, 0},
	{"remount", REMOUNT, 0},

	{"idmap", EXTRA, EXTRA_IDMAP},
	{"ridmap", EXTRA, EXTRA_IDMAP | EXTRA_IDMAP_BELOW},
	{"tmpcopyup", EXTRA, EXTRA_COPY_UP},
	{"copy-symlink", EXTRA, EXTRA_COPY_SYMLINK},
	{"src-nofollow", EXTRA, EXTRA_SOURCE_NOFOLLOW},
	{"dest-nofollow", EXTRA, EXTRA_DESTINATION_NOFOLLOW},
};

/* Properties of a file system, not of a mount, with the letter that elsewhere means "and all below".  Some
 * runtimes take them and do nothing. */
static const char impossible[][10] = {"rsync", "rasync", "rdirsync", "rmand", "rnomand"};

/* File systems that take any parameter and pass over what they do not know: "nosuidd" would be no error.  All
 * that they do know has a value. */
static const char careless[][8] = {"bpf", "debugfs", "pstore", "ramfs", "tracefs"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What a mount gets that has no options of its own, for configs that were written by hand. */
static const struct {
	const char *destination;
	const char *words[6];
} usual_options[] = {
	{"/dev", {"nosuid", "noexec", "strictatime", "mode=755", NULL}},
	{"/dev/shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
	{"/dev/mqueue", {"nosuid", "noexec", "nodev", NULL}},
	{"/dev/pts", {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=620", "gid=5"}},
	{"/sys", {"nosuid", "noexec", "nodev", NULL}},
};

const char *mount_option_word(size_t index)
{
	return index < COUNT(options_table) ? options_table[index].word : NULL;
}

static const struct option *find(const char *word)
{
	const size_t length = strlen(word);
	char padded[WORD_SIZE] = {0};

	if (length >= WORD_SIZE)
		return NULL;
	memcpy(padded, word, length);
	for (size_t i = 0; i < COUNT(options_table); i++)
		if (memcmp(options_table[i].word, padded, WORD_SIZE / 2) == 0 &&
		    memcmp(options_table[i].word, padded, WORD_SIZE) == 0)
			return &options_table[i];
	return NULL;
}

static void drop_flag(struct mount_options *options, const char *word)
{
	size_t kept = 0;

	for (size_t i = 0; i < options->flags_len; i++)
		if (strcmp(options->flags[i], word) != 0)
			options->flags[kept++] = options->flags[i];
	options->flags_len = kept;
}

static int add_flag(struct mount_options *options, const char *word, struct arena *arena,
		    struct error *err)
{
	const char *flag;

	if (!arena)
		return 0;
	drop_flag(options, word);
	flag = arena_copy(arena, word, strlen(word));
	if (!flag)
		return arena_full(arena, err);
	options->flags[options->flags_len++] = flag;
	return 0;
}

static int add_propagation(struct mount_options *options, unsigned int value, struct error *err)
{
	if (options->propagation_len == COUNT(options->propagation))
		return error_config(err, "more than %zu propagation options",
				    COUNT(options->propagation));
	options->propagation[options->propagation_len++] = value;
	return 0;
}

static void set_bits(uint64_t *set, uint64_t *clear, uint64_t bits)
{
	*set |= bits;
	*clear &= ~bits;
}

static void set_time(uint64_t *set, uint64_t *clear, uint64_t value)
{
	*set = (*set & ~(uint64_t)MOUNT_ATTR__ATIME) | value;
	*clear |= MOUNT_ATTR__ATIME;
}

/* Anything but value: relatime, unless an earlier word asked for something else. */
static void unset_time(uint64_t *set, uint64_t *clear, uint64_t value)
{
	uint64_t now = *set & MOUNT_ATTR__ATIME;

	set_time(set, clear, now == value ? MOUNT_ATTR_RELATIME : now);
}

/* A word for all mounts is one for the mount itself, too: there it ends what earlier ones said. */
static void forget(struct mount_options *options, uint64_t bits)
{
	options->set &= ~bits;
	options->clear &= ~bits;
}

static int apply(const struct option *option, struct mount_options *o, struct arena *arena,
		 struct error *err)
{
	switch (option->kind) {
	case SET:
		set_bits(&o->set, &o->clear, option->value);
		return 0;
	case CLEAR:
		set_bits(&o->clear, &o->set, option->value);
		return 0;
	case TIME:
		set_time(&o->set, &o->clear, option->value);
		return 0;
	case UNTIME:
		unset_time(&o->set, &o->clear, option->value);
		return 0;
	case REC_SET:
		forget(o, option->value);
		set_bits(&o->rec_set, &o->rec_clear, option->value);
		return 0;
	case REC_CLEAR:
		forget(o, option->value);
		set_bits(&o->rec_clear, &o->rec_set, option->value);
		return 0;
	case REC_TIME:
		forget(o, MOUNT_ATTR__ATIME);
		set_time(&o->rec_set, &o->rec_clear, option->value);
		return 0;
	case REC_UNTIME:
		forget(o, MOUNT_ATTR__ATIME);
		unset_time(&o->rec_set, &o->rec_clear, option->value);
		return 0;
	case FLAG:
		return add_flag(o, option->word, arena, err);
	case UNFLAG:
		drop_flag(o, option[-1].word);
		return 0;
	case PROPAGATION:
		return add_propagation(o, option->value, err);
	case REC_BIND:
		o->recursive = true;
		o->bind = true;
		return 0;
	case BIND:
		o->bind = true;
		return 0;
	case REMOUNT:
		o->remount = true;
		return 0;
	case EXTRA:
		o->extras |= option->value;
		return 0;
	case NOTHING:
		break;
	}
	return 0;
}

/* The length of the first of the parameters in word: up to a comma that is neither quoted nor escaped. */
static size_t parameter_length(const char *word)
{
	bool quoted = false;
	size_t i;

	for (i = 0; word[i] && (quoted || word[i] != ','); i++) {
		if (word[i] == '"')
			quoted = !quoted;
		if (word[i] == '\\' && word[i + 1])
			i++;
	}
	return i;
}

/* A value as the kernel takes it when it comes alone: without what protected its commas. */
static void unprotect(char *value)
{
	size_t length = strlen(value), kept = 0;

	if (length >= 2 && value[0] == '"' && value[length - 1] == '"') {
		memmove(value, value + 1, length - 2);
		value[length - 2] = '\0';
	}
	for (size_t i = 0; value[i]; i++)
		if (value[i] != '\\' || value[i + 1] != ',')
			value[kept++] = value[i];
	value[kept] = '\0';
}

/* A word that belongs to the file system; it may hold several parameters, as mount(8) takes them. */
static int add_data(struct mount_options *options, const char *word, struct arena *arena,
		    struct error *err)
{
	for (size_t length; *word; word += length + (word[length] == ',')) {
		char *key, *equals;

		length = parameter_length(word);
		if (length == 0)
			continue;
		key = arena_copy(arena, word, length);
		if (!key)
			return arena_full(arena, err);
		equals = strchr(key, '=');
		if (equals) {
			*equals = '\0';
			unprotect(equals + 1);
		}
		options->data[options->data_len].key = key;
		options->data[options->data_len++].value = equals ? equals + 1 : NULL;
	}
	return 0;
}

static int refuse_impossible(const char *word, struct error *err)
{
	for (size_t i = 0; i < COUNT(impossible); i++) {
		if (strcmp(impossible[i], word) != 0)
			continue;
		error_config(err, "option \"%s\" can't be had: it is not one of single mounts",
			     word);
		return error_hint(err, "\"%s\" is for the mount of a file system", word + 1);
	}
	return 0;
}

/* What a word names before its value, if it is one of the two that may have one. */
static const struct option *find_with_value(const char *word)
{
	size_t length = strcspn(word, "=");

	if (word[length] == '=' && length == 5 && strncmp(word, "idmap", length) == 0)
		return find("idmap");
	if (word[length] == '=' && length == 6 && strncmp(word, "ridmap", length) == 0)
		return find("ridmap");
	return NULL;
}

static const struct option *find_option(const char *word)
{
	const struct option *option = find(word);

	return option ? option : find_with_value(word);
}

static int parse_word(const char *word, struct arena *arena, struct mount_options *options,
		      struct error *err)
{
	const struct option *option = find_option(word);

	if (option) {
		if (option->kind == EXTRA && (option->value & EXTRA_IDMAP) && strchr(word, '='))
			options->id_ranges = strchr(word, '=') + 1;
		return apply(option, options, arena, err);
	}
	if (refuse_impossible(word, err) < 0)
		return -err->code;
	return arena ? add_data(options, word, arena, err) : 0;
}

/* Room for all the words that may turn out to be flags or data. */
static int make_room(const char *const *words, size_t count, struct arena *arena,
		     struct mount_options *options, struct error *err)
{
	size_t most = count;

	for (size_t i = 0; i < count; i++)
		for (const char *c = words[i]; *c; c++)
			most += *c == ',';
	if (most == 0)
		return 0;
	options->flags = arena_array(arena, const char *, count);
	options->data = arena_array(arena, struct oci_pair, most);
	return options->flags && options->data ? 0 : arena_full(arena, err);
}

static int parse_words(const char *const *words, size_t count, struct arena *arena,
		       struct mount_options *options, struct error *err)
{
	if (arena && make_room(words, count, arena, options, err) < 0)
		return -err->code;
	for (size_t i = 0; i < count; i++)
		if (parse_word(words[i], arena, options, err) < 0)
			return -err->code;
	return 0;
}

static int parse_usual(const char *destination, struct arena *arena, struct mount_options *options,
		       struct error *err)
{
	for (size_t i = 0; i < COUNT(usual_options); i++) {
		const char *const *words = usual_options[i].words;
		size_t count = 0;

		if (strcmp(usual_options[i].destination, destination) != 0)
			continue;
		while (count < COUNT(usual_options[i].words) && words[count])
			count++;
		return parse_words(words, count, arena, options, err);
	}
	return 0;
}

/* A bind mount and a remount have no file system that could take a word nobody knows. */
static int refuse_data(const struct oci_mount *mount, struct error *err)
{
	for (size_t i = 0; i < mount->options_len; i++) {
		if (find_option(mount->options[i]))
			continue;
		error_config(err, "unknown option \"%s\"", mount->options[i]);
		return error_hint(err, "only a mount of a file system takes options of its own");
	}
	return 0;
}

static bool is_careless(const char *type)
{
	for (size_t i = 0; type && i < COUNT(careless); i++)
		if (strcmp(careless[i], type) == 0)
			return true;
	return false;
}

/* The first parameter of a word of the file system's that has no value, and its length; or NULL. */
static const char *find_bare(const char *word, size_t *length)
{
	for (; *word; word += *length + (word[*length] == ',')) {
		*length = parameter_length(word);
		if (*length && !memchr(word, '=', *length))
			return word;
	}
	return NULL;
}

static int refuse_bare_words(const struct oci_mount *mount, struct error *err)
{
	if (!is_careless(mount->type))
		return 0;
	for (size_t i = 0; i < mount->options_len; i++) {
		const char *word = mount->options[i];
		size_t length = 0;
		const char *bare = find_option(word) ? NULL : find_bare(word, &length);

		if (!bare)
			continue;
		error_config(err, "unknown option \"%.*s\"", (int)length, bare);
		return error_hint(err, "%s would pass over it without a word", mount->type);
	}
	return 0;
}

int mount_options_parse(const struct oci_mount *mount, struct arena *arena,
			struct mount_options *options, struct error *err)
{
	int r;

	*options = (struct mount_options){0};
	options->bind = mount->type && strcmp(mount->type, "bind") == 0;
	if (mount->options_len == 0 && !options->bind)
		return parse_usual(mount->destination, arena, options, err);
	r = parse_words(mount->options, mount->options_len, arena, options, err);
	if (r < 0)
		return r;
	return options->bind || options->remount ? refuse_data(mount, err)
						 : refuse_bare_words(mount, err);
}
