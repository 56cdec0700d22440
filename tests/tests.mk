# Which tests there are.

# Each unit test is one file of the same name, so it needs no more than its line here.
UNIT_TESTS = \
	tests/unit/test-annotations \
	tests/unit/test-arena \
	tests/unit/test-bundle \
	tests/unit/test-capabilities \
	tests/unit/test-capability-names \
	tests/unit/test-cgroup-hierarchies \
	tests/unit/test-cgroup-kernel \
	tests/unit/test-cgroup-limits \
	tests/unit/test-cgroup-place \
	tests/unit/test-cgroup \
	tests/unit/test-clock \
	tests/unit/test-console \
	tests/unit/test-cwd \
	tests/unit/test-decode \
	tests/unit/test-devices \
	tests/unit/test-domainname \
	tests/unit/test-encode \
	tests/unit/test-env \
	tests/unit/test-error \
	tests/unit/test-executable \
	tests/unit/test-file \
	tests/unit/test-hook-state \
	tests/unit/test-hooks \
	tests/unit/test-hostname \
	tests/unit/test-id-mappings \
	tests/unit/test-inside \
	tests/unit/test-json \
	tests/unit/test-keyring \
	tests/unit/test-kill \
	tests/unit/test-log \
	tests/unit/test-masked-paths \
	tests/unit/test-mount-attach \
	tests/unit/test-mount-cgroup \
	tests/unit/test-mount-fallback \
	tests/unit/test-mount-open \
	tests/unit/test-mount-options \
	tests/unit/test-mounts \
	tests/unit/test-namespaces \
	tests/unit/test-no-new-privileges \
	tests/unit/test-oci-version \
	tests/unit/test-oom-score-adj \
	tests/unit/test-options \
	tests/unit/test-order \
	tests/unit/test-process \
	tests/unit/test-protocol \
	tests/unit/test-readonly-paths \
	tests/unit/test-record \
	tests/unit/test-rlimits \
	tests/unit/test-root \
	tests/unit/test-rootfs-propagation \
	tests/unit/test-seccomp-compile \
	tests/unit/test-seccomp-stub \
	tests/unit/test-seccomp \
	tests/unit/test-socket \
	tests/unit/test-state-root \
	tests/unit/test-status \
	tests/unit/test-subordinate-ids \
	tests/unit/test-sysctl \
	tests/unit/test-terminal \
	tests/unit/test-time-offsets \
	tests/unit/test-user \
	tests/unit/test-users \
	tests/unit/test-uts-name

# Each integration test is one file, named after the property or the command that it tests.
TEST_FILES = \
	tests/unit/bpf.h \
	tests/unit/cgroups.h \
	tests/unit/child.h \
	tests/unit/scratch.h \
	tests/unit/tree.h \
	tests/unit/unit.h \
	tests/integration/README.md \
	tests/integration/isolation.py \
	tests/integration/leftovers.py \
	tests/integration/lib.py \
	tests/integration/run \
	tests/integration/test_capabilities.py \
	tests/integration/test_cgroups.py \
	tests/integration/test_command_line.py \
	tests/integration/test_crash.py \
	tests/integration/test_create.py \
	tests/integration/test_delete.py \
	tests/integration/test_descriptors.py \
	tests/integration/test_devices.py \
	tests/integration/test_errors.py \
	tests/integration/test_hooks.py \
	tests/integration/test_hostile.py \
	tests/integration/test_hostname.py \
	tests/integration/test_id_mappings.py \
	tests/integration/test_kill.py \
	tests/integration/test_list.py \
	tests/integration/test_mounts.py \
	tests/integration/test_namespaces.py \
	tests/integration/test_paths.py \
	tests/integration/test_process.py \
	tests/integration/test_run.py \
	tests/integration/test_seccomp.py \
	tests/integration/test_spec.py \
	tests/integration/test_surroundings.py \
	tests/integration/test_sysctl.py \
	tests/integration/test_terminal.py \
	tests/integration/worker.py

SCRIPT_FILES = \
	scripts/build \
	scripts/check-layers \
	scripts/check-sizes \
	scripts/packages \
	scripts/quickstart \
	scripts/test

SHELL_FILES = \
	scripts/build \
	scripts/check-layers \
	scripts/packages \
	scripts/quickstart \
	scripts/test \
	.ci/run
