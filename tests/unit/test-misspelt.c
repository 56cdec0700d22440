#include <stdio.h>
#include <string.h>

#include "basic/log.h"
#include "libocispec/decode.h"
#include "libocispec/misspelt.h"
#include "libocispec/types.h"
#include "unit.h"

static void check_misspelt(const char *text, const char *misspelt, const char *meant)
{
	struct oci_source source = {.name = "config.json"};
	struct oci_decoded decoded;
	struct arena arena = {0};
	struct error err = {0};
	char whole[256];

	snprintf(whole, sizeof(whole), "{\"ociVersion\": \"1.0.0\", %s}", text);
	source.text = whole;
	source.length = strlen(whole);
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	ck_assert_msg(oci_decode(&oci_config_object, &source, &arena, &decoded, &err) == 0, "%s",
		      err.text);
	ck_assert_pstr_eq(decoded.misspelt, misspelt);
	ck_assert_pstr_eq(decoded.meant, meant);
	arena_release(&arena);
}

TEST(tells_what_an_unknown_key_was_meant_to_be)
{
	check_misspelt("\"linux\": {\"seccmp\": {}}", "linux.seccmp", "seccomp");
	check_misspelt("\"linux\": {\"seccompp\": {}}", "linux.seccompp", "seccomp");
	check_misspelt("\"linux\": {\"seccopm\": {}}", "linux.seccopm", "seccomp");
	check_misspelt("\"linux\": {\"masked_paths\": []}", "linux.masked_paths", "maskedPaths");
	check_misspelt("\"proces\": {}, \"hookz\": {}", "proces", "process");
	check_misspelt("\"vendor\": {}, \"hookz\": {}", "hookz", "hooks");
	check_misspelt("\"vendor\": {\"seccmp\": 1}", NULL, NULL);
	check_misspelt("\"linux\": {\"secomps\": {}, \"\": 1, \"a\": 2}", NULL, NULL);
}

/* A key of one of the objects in config.json, and what it was meant to be. */
static void check_slip(const char *object, const char *key, const char *meant)
{
	char text[128], path[64];

	snprintf(path, sizeof(path), "%s.%s", object, key);
	snprintf(text, sizeof(text), "\"%s\": {%s, \"%s\": 1}", object,
		 strcmp(object, "root") == 0 ? "\"path\": \"\""
					     : "\"user\": {\"uid\": 0, \"gid\": 0}, "
					       "\"cwd\": \"/\"",
		 key);
	check_misspelt(text, meant ? path : NULL, meant);
}

TEST(finds_the_usual_slips)
{
	static const char *const slips[][3] = {
		{"process", "noNewPrivilege", "noNewPrivileges"},
		{"process", "no_new_privileges", "noNewPrivileges"},
		{"process", "noNewPrivs", "noNewPrivileges"},
		{"process", "noNewPriviledges", "noNewPrivileges"},
		{"process", "noNewPrivilige", "noNewPrivileges"},
		{"process", "capabilties", "capabilities"},
		{"process", "capabilites", "capabilities"},
		{"process", "capabilies", "capabilities"},
		{"process", "capability", "capabilities"},
		{"process", "Capabilities", "capabilities"},
		{"process", "appArmorProfile", "apparmorProfile"},
		{"process", "apparmor", "apparmorProfile"},
		{"process", "apparmorProfil", "apparmorProfile"},
		{"process", "seLinuxLabel", "selinuxLabel"},
		{"process", "selinux", "selinuxLabel"},
		{"process", "selinuxLable", "selinuxLabel"},
		{"process", "rlimit", "rlimits"},
		{"process", "usr", NULL}, /* too short to tell */
		{"root", "readOnly", "readonly"},
		{"root", "read_only", "readonly"},
		{"root", "readonyl", "readonly"},
	};
	static const char *const of_linux[][2] = {
		{"secomp", "seccomp"},
		{"secccomp", "seccomp"},
		{"Seccomp", "seccomp"},
		{"seccompProfile", "seccomp"},
		{"maskedPath", "maskedPaths"},
		{"maskPaths", "maskedPaths"},
		{"maskedpaths", "maskedPaths"},
		{"readOnlyPaths", "readonlyPaths"},
		{"readonlyPath", "readonlyPaths"},
		{"namespace", "namespaces"},
		{"nameSpaces", "namespaces"},
		{"uidMapping", "uidMappings"},
		{"resource", "resources"},
		{"ressources", "resources"},
		{"cgroupPath", "cgroupsPath"},
		{"cgroups", "cgroupsPath"},
		{"sysctls", "sysctl"},
		{"mountlabel", "mountLabel"},
		{"rootPropagation", "rootfsPropagation"},
		{"device", "devices"},
		{"persona", "personality"},
	};
	char text[128], path[64];

	for (size_t i = 0; i < sizeof(slips) / sizeof(slips[0]); i++)
		check_slip(slips[i][0], slips[i][1], slips[i][2]);
	for (size_t i = 0; i < sizeof(of_linux) / sizeof(of_linux[0]); i++) {
		snprintf(text, sizeof(text), "\"linux\": {\"%s\": 1}", of_linux[i][0]);
		snprintf(path, sizeof(path), "linux.%s", of_linux[i][0]);
		check_misspelt(text, path, of_linux[i][1]);
	}
}

TEST(tells_where_a_key_would_be_known)
{
	check_misspelt("\"seccomp\": {}", "seccomp", "linux.seccomp");
	check_misspelt("\"maskedPaths\": []", "maskedPaths", "linux.maskedPaths");
	check_misspelt("\"readonly\": true", "readonly", "root.readonly");
	check_slip("process", "seccomp", "linux.seccomp");
	check_misspelt("\"linux\": {\"noNewPrivileges\": true}", "linux.noNewPrivileges",
		       "process.noNewPrivileges");
	check_misspelt("\"linux\": {\"oomScoreAdj\": 1}", "linux.oomScoreAdj",
		       "process.oomScoreAdj");
	check_misspelt("\"linux\": {\"capabilities\": {}}", "linux.capabilities",
		       "process.capabilities");
	/* Short ones are in too many objects. */
	check_misspelt("\"linux\": {\"path\": 1, \"user\": {}}", NULL, NULL);
}

TEST(says_nothing_of_what_others_have_added)
{
	check_misspelt("\"platform\": {}, \"x-vendor\": 1, \"com.example.seccomp\": {}", NULL,
		       NULL);
	check_misspelt("\"linux\": {\"landlock\": {}, \"cgroup2\": 1}", NULL, NULL);
	check_misspelt("\"linux\": {\"network\": {}, \"io.example.masks\": [], \"gpu\": 1}", NULL,
		       NULL);
	check_misspelt("\"timeout\": 1, \"extensions\": {}, \"labels\": {}, \"version\": 1", NULL,
		       NULL);
	check_slip("process", "landlockRules", NULL);
	check_slip("process", "execDomain", NULL);
	check_slip("process", "sessionKeyring", NULL);
	check_slip("process", "detachKeys", NULL);
	check_slip("root", "overlay", NULL);
	check_slip("root", "diff_ids", NULL);
}

static void collect(enum log_level level, const char *message, void *context)
{
	char *text = context;

	sprintf(text + strlen(text), "%d %s;", (int)level, message);
}

/* The warning is for everybody, the number for --debug. */
TEST(warns_whatever_the_level_is)
{
	struct oci_decoded decoded = {.unknown_keys = 2, .first_unknown = "linux.gpu"};
	char text[256] = "";

	log_set_sink(collect, text);
	misspelt_tell("process.json", &decoded);
	ck_assert_str_eq(text, "");
	decoded.misspelt = "linux.seccmp";
	decoded.meant = "seccomp";
	misspelt_tell("process.json", &decoded);
	ck_assert_str_eq(text, "1 process.json: linux.seccmp is unknown and ignored: is "
			       "\"seccomp\" meant?;");
	text[0] = '\0';
	decoded.misspelt = NULL;
	log_set_level(LOG_LEVEL_DEBUG);
	misspelt_tell("process.json", &decoded);
	ck_assert_str_eq(text,
			 "2 process.json: 2 unknown keys are ignored, the first is linux.gpu;");
}

RUN_TESTS("misspelt", tells_what_an_unknown_key_was_meant_to_be, finds_the_usual_slips,
	  tells_where_a_key_would_be_known, says_nothing_of_what_others_have_added,
	  warns_whatever_the_level_is)
