# Which tests there are.

# Each unit test is one file of the same name, so it needs no more than its line here.
UNIT_TESTS = \
	tests/unit/test-annotations \
	tests/unit/test-apparmor \
	tests/unit/test-arena \
	tests/unit/test-base64 \
	tests/unit/test-bundle \
	tests/unit/test-capabilities \
	tests/unit/test-capability-names \
	tests/unit/test-cgroup-below \
	tests/unit/test-cgroup-hierarchies \
	tests/unit/test-cgroup-kernel \
	tests/unit/test-cgroup-limits \
	tests/unit/test-cgroup-owner \
	tests/unit/test-cgroup-place \
	tests/unit/test-cgroup-systemd \
	tests/unit/test-cgroup-undo \
	tests/unit/test-cgroup-update \
	tests/unit/test-cgroup \
	tests/unit/test-clock \
	tests/unit/test-clone \
	tests/unit/test-closing \
	tests/unit/test-console \
	tests/unit/test-cpu-affinity \
	tests/unit/test-criu-call \
	tests/unit/test-criu-explain \
	tests/unit/test-criu-notices \
	tests/unit/test-criu-options \
	tests/unit/test-criu-protobuf \
	tests/unit/test-cwd \
	tests/unit/test-decode \
	tests/unit/test-device-rules \
	tests/unit/test-devices \
	tests/unit/test-domainname \
	tests/unit/test-duration \
	tests/unit/test-encode \
	tests/unit/test-entries \
	tests/unit/test-env \
	tests/unit/test-error \
	tests/unit/test-exec-process \
	tests/unit/test-exec-record \
	tests/unit/test-executable \
	tests/unit/test-features \
	tests/unit/test-figures \
	tests/unit/test-file \
	tests/unit/test-freezer \
	tests/unit/test-gvariant \
	tests/unit/test-hook-state \
	tests/unit/test-hooks \
	tests/unit/test-hostname \
	tests/unit/test-id-mappings \
	tests/unit/test-inside \
	tests/unit/test-intel-rdt \
	tests/unit/test-io-priority \
	tests/unit/test-json \
	tests/unit/test-kernel-mounts \
	tests/unit/test-keyring \
	tests/unit/test-kill \
	tests/unit/test-lines \
	tests/unit/test-log \
	tests/unit/test-lsm-attribute \
	tests/unit/test-masked-paths \
	tests/unit/test-memory-policy \
	tests/unit/test-misspelt \
	tests/unit/test-mount-attach \
	tests/unit/test-mount-cgroup \
	tests/unit/test-mount-copy-up \
	tests/unit/test-mount-fallback \
	tests/unit/test-mount-idmap \
	tests/unit/test-mount-label \
	tests/unit/test-mount-open \
	tests/unit/test-mount-options \
	tests/unit/test-mount-overlay \
	tests/unit/test-mounts \
	tests/unit/test-namespaces \
	tests/unit/test-net-devices \
	tests/unit/test-netlink-request \
	tests/unit/test-no-new-privileges \
	tests/unit/test-notify-socket \
	tests/unit/test-number-list \
	tests/unit/test-oci-version \
	tests/unit/test-oom \
	tests/unit/test-oom-score-adj \
	tests/unit/test-options \
	tests/unit/test-order \
	tests/unit/test-parser-memory \
	tests/unit/test-personality \
	tests/unit/test-process \
	tests/unit/test-procfs \
	tests/unit/test-protocol \
	tests/unit/test-ps-table \
	tests/unit/test-readonly-paths \
	tests/unit/test-record \
	tests/unit/test-rlimits \
	tests/unit/test-root \
	tests/unit/test-rootfs-propagation \
	tests/unit/test-scheduler \
	tests/unit/test-seccomp-calls \
	tests/unit/test-seccomp-compile \
	tests/unit/test-seccomp-listener \
	tests/unit/test-seccomp-random \
	tests/unit/test-seccomp-raw \
	tests/unit/test-seccomp-tree \
	tests/unit/test-seccomp \
	tests/unit/test-self \
	tests/unit/test-selinux \
	tests/unit/test-socket \
	tests/unit/test-specification \
	tests/unit/test-state \
	tests/unit/test-state-root \
	tests/unit/test-statistics \
	tests/unit/test-status \
	tests/unit/test-subordinate-ids \
	tests/unit/test-sysctl \
	tests/unit/test-systemd-property \
	tests/unit/test-systemd-request \
	tests/unit/test-terminal \
	tests/unit/test-time-offsets \
	tests/unit/test-trace \
	tests/unit/test-unit-name \
	tests/unit/test-user \
	tests/unit/test-users \
	tests/unit/test-uts-name

# Each fuzz target is one file too, beside those that all of them share: tests/fuzz/README.md.
FUZZ_TARGETS = \
	tests/fuzz/fuzz-annotations \
	tests/fuzz/fuzz-config \
	tests/fuzz/fuzz-criu \
	tests/fuzz/fuzz-devices \
	tests/fuzz/fuzz-handshake \
	tests/fuzz/fuzz-id-maps \
	tests/fuzz/fuzz-messages \
	tests/fuzz/fuzz-mount-options \
	tests/fuzz/fuzz-number-list \
	tests/fuzz/fuzz-process \
	tests/fuzz/fuzz-resources \
	tests/fuzz/fuzz-seccomp \
	tests/fuzz/fuzz-state \
	tests/fuzz/fuzz-systemd-property \
	tests/fuzz/fuzz-user

FUZZ_COMMON = \
	tests/fuzz/arena.c \
	tests/fuzz/fuzz.c \
	tests/fuzz/fuzz.h \
	tests/fuzz/sections.c

FUZZ_FILES = \
	tests/fuzz/README.md \
	tests/fuzz/corpus \
	tests/fuzz/not-counted \
	tests/fuzz/run

tests_fuzz_fuzz_annotations_LDADD = $(FUZZ_LDADD)
tests_fuzz_fuzz_config_LDADD = $(FUZZ_LDADD)
tests_fuzz_fuzz_criu_LDADD = $(FUZZ_LDADD)
tests_fuzz_fuzz_devices_LDADD = $(FUZZ_LDADD)
tests_fuzz_fuzz_handshake_LDADD = $(FUZZ_LDADD)
tests_fuzz_fuzz_id_maps_LDADD = $(FUZZ_LDADD)
tests_fuzz_fuzz_messages_LDADD = $(FUZZ_LDADD)
tests_fuzz_fuzz_mount_options_LDADD = $(FUZZ_LDADD)
tests_fuzz_fuzz_number_list_LDADD = $(FUZZ_LDADD)
tests_fuzz_fuzz_process_LDADD = $(FUZZ_LDADD)
tests_fuzz_fuzz_resources_LDADD = $(FUZZ_LDADD)
tests_fuzz_fuzz_seccomp_LDADD = $(FUZZ_LDADD)
tests_fuzz_fuzz_state_LDADD = $(FUZZ_LDADD)
tests_fuzz_fuzz_systemd_property_LDADD = $(FUZZ_LDADD)
tests_fuzz_fuzz_user_LDADD = $(FUZZ_LDADD)

# Each integration test is one file, named after the property or the command that it tests.
TEST_FILES = \
	tests/unit/attributes.h \
	tests/unit/bpf.h \
	tests/unit/cgroup-files.h \
	tests/unit/cgroups.h \
	tests/unit/child.h \
	tests/unit/device-program.h \
	tests/unit/fake-criu.h \
	tests/unit/liar.h \
	tests/unit/scratch.h \
	tests/unit/seccomp-filters.h \
	tests/unit/seccomp-library.h \
	tests/unit/tree.h \
	tests/unit/unit.h \
	tests/unit/words.h \
	tests/integration/README.md \
	tests/integration/checkpoints.py \
	tests/integration/fake_bus.py \
	tests/integration/isolation.py \
	tests/integration/leftovers.py \
	tests/integration/lib.py \
	tests/integration/liar.py \
	tests/integration/run \
	tests/integration/test_annotations.py \
	tests/integration/test_capabilities.py \
	tests/integration/test_cgroups.py \
	tests/integration/test_checkpoint.py \
	tests/integration/test_command_line.py \
	tests/integration/test_crash.py \
	tests/integration/test_create.py \
	tests/integration/test_delete.py \
	tests/integration/test_descriptors.py \
	tests/integration/test_devices.py \
	tests/integration/test_engine_contract.py \
	tests/integration/test_errors.py \
	tests/integration/test_events.py \
	tests/integration/test_exec.py \
	tests/integration/test_exec_terminal.py \
	tests/integration/test_fail_closed.py \
	tests/integration/test_features.py \
	tests/integration/test_hooks.py \
	tests/integration/test_host_mounts.py \
	tests/integration/test_hostile.py \
	tests/integration/test_hostname.py \
	tests/integration/test_hosts_proc.py \
	tests/integration/test_id_mappings.py \
	tests/integration/test_intel_rdt.py \
	tests/integration/test_kill.py \
	tests/integration/test_list.py \
	tests/integration/test_memory_policy.py \
	tests/integration/test_mount_copy_up.py \
	tests/integration/test_mount_idmap.py \
	tests/integration/test_mount_links.py \
	tests/integration/test_mount_options.py \
	tests/integration/test_mount_races.py \
	tests/integration/test_mounts.py \
	tests/integration/test_namespaces.py \
	tests/integration/test_net_devices.py \
	tests/integration/test_one_fault.py \
	tests/integration/test_oom.py \
	tests/integration/test_paths.py \
	tests/integration/test_pause.py \
	tests/integration/test_personality.py \
	tests/integration/test_process.py \
	tests/integration/test_ps.py \
	tests/integration/test_read_back.py \
	tests/integration/test_resources.py \
	tests/integration/test_restore.py \
	tests/integration/test_restore_trust.py \
	tests/integration/test_run.py \
	tests/integration/test_scheduling.py \
	tests/integration/test_seccomp.py \
	tests/integration/test_seccomp_notify.py \
	tests/integration/test_security_labels.py \
	tests/integration/test_spec.py \
	tests/integration/test_surroundings.py \
	tests/integration/test_sysctl.py \
	tests/integration/test_systemd.py \
	tests/integration/test_terminal.py \
	tests/integration/test_trace.py \
	tests/integration/test_update.py \
	tests/integration/worker.py
	tests/integration/worker.py

# tests/bench/README.md.
BENCH_FILES = \
	tests/bench/README.md \
	tests/bench/bare.h \
	tests/bench/budget \
	tests/bench/bundles.py \
	tests/bench/chart.py \
	tests/bench/count.c \
	tests/bench/filters.py \
	tests/bench/floor.c \
	tests/bench/grace.py \
	tests/bench/ground.py \
	tests/bench/measure.py \
	tests/bench/memory.py \
	tests/bench/phases.py \
	tests/bench/program.c \
	tests/bench/report.py \
	tests/bench/rootless.py \
	tests/bench/rows.py \
	tests/bench/run

# tests/engines/README.md.
ENGINE_FILES = \
	tests/engines/README.md \
	tests/engines/buildah.py \
	tests/engines/containerd.py \
	tests/engines/docker.py \
	tests/engines/ground.py \
	tests/engines/lib.py \
	tests/engines/podman.py \
	tests/engines/run \
	tests/engines/shared.py

# tests/security/README.md.
SECURITY_FILES = \
	tests/security/README.md \
	tests/security/catalogue.py \
	tests/security/naive.py \
	tests/security/races.py \
	tests/security/rows_cgroups.py \
	tests/security/rows_descriptors.py \
	tests/security/rows_identities.py \
	tests/security/rows_parsing.py \
	tests/security/rows_paths.py \
	tests/security/rows_proc.py \
	tests/security/rows_rest.py \
	tests/security/run

# tests/faults/README.md.
FAULT_FILES = \
	tests/faults/README.md \
	tests/faults/commands.py \
	tests/faults/endings.py \
	tests/faults/kinds.py \
	tests/faults/load.py \
	tests/faults/run \
	tests/faults/scene.py \
	tests/faults/serve.py \
	tests/faults/tracer.py

# oci-conformance/README.md.
CONFORMANCE_FILES = \
	oci-conformance/README.md \
	oci-conformance/clauses/__init__.py \
	oci-conformance/clauses/annotations.py \
	oci-conformance/clauses/cgroups.py \
	oci-conformance/clauses/config_hooks.py \
	oci-conformance/clauses/default_filesystems.py \
	oci-conformance/clauses/devices.py \
	oci-conformance/clauses/extensibility.py \
	oci-conformance/clauses/features.py \
	oci-conformance/clauses/hooks.py \
	oci-conformance/clauses/hostname.py \
	oci-conformance/clauses/intel_rdt.py \
	oci-conformance/clauses/lifecycle.py \
	oci-conformance/clauses/linux_process.py \
	oci-conformance/clauses/mappings.py \
	oci-conformance/clauses/memory_policy.py \
	oci-conformance/clauses/mount_options.py \
	oci-conformance/clauses/mounts.py \
	oci-conformance/clauses/namespaces.py \
	oci-conformance/clauses/net_devices.py \
	oci-conformance/clauses/operations.py \
	oci-conformance/clauses/paths.py \
	oci-conformance/clauses/personality.py \
	oci-conformance/clauses/process.py \
	oci-conformance/clauses/resources.py \
	oci-conformance/clauses/rlimits.py \
	oci-conformance/clauses/root.py \
	oci-conformance/clauses/rootfs_propagation.py \
	oci-conformance/clauses/seccomp.py \
	oci-conformance/clauses/state.py \
	oci-conformance/clauses/sysctl.py \
	oci-conformance/clauses/time_offsets.py \
	oci-conformance/clauses/user.py \
	oci-conformance/clauses/version.py \
	oci-conformance/ground.py \
	oci-conformance/kit.py \
	oci-conformance/proa.known \
	oci-conformance/report.py \
	oci-conformance/run \
	oci-conformance/runtime_tools.py

# tests/vm/README.md.
VM_FILES = \
	tests/vm/README.md \
	tests/vm/build-image \
	tests/vm/build-uml \
	tests/vm/check \
	tests/vm/guest/agent \
	tests/vm/guest/as-user \
	tests/vm/guest/kernels \
	tests/vm/guest/packages \
	tests/vm/guest/setup \
	tests/vm/job \
	tests/vm/setup-host \
	tests/vm/suite.py \
	tests/vm/suites/apparmor.py \
	tests/vm/suites/checkpoint.sh \
	tests/vm/suites/commands.py \
	tests/vm/suites/conformance.sh \
	tests/vm/suites/delegation.py \
	tests/vm/suites/engines.sh \
	tests/vm/suites/faults.sh \
	tests/vm/suites/integration.sh \
	tests/vm/suites/limits.py \
	tests/vm/suites/mounts.sh \
	tests/vm/suites/podman.py \
	tests/vm/suites/resources.py \
	tests/vm/suites/security.sh \
	tests/vm/suites/systemd.py \
	tests/vm/suites/unit.sh \
	tests/vm/uml/config \
	tests/vm/vm-run

SCRIPT_FILES = \
	scripts/build \
	scripts/capability-names \
	scripts/check-layers \
	scripts/check-paths \
	scripts/check-security \
	scripts/check-sizes \
	scripts/criu \
	scripts/package-deb \
	scripts/packages \
	scripts/quickstart \
	scripts/seccomp-calls \
	scripts/test

# The Debian package: scripts/package-deb.
PACKAGE_FILES = \
	tests/package/check \
	debian/changelog \
	debian/control \
	debian/copyright \
	debian/docs \
	debian/rules \
	debian/source/format

SHELL_FILES = \
	scripts/build \
	scripts/check-layers \
	scripts/check-paths \
	scripts/criu \
	scripts/package-deb \
	scripts/packages \
	scripts/quickstart \
	scripts/test \
	tests/package/check \
	tests/vm/build-image \
	tests/vm/build-uml \
	tests/vm/guest/agent \
	tests/vm/guest/as-user \
	tests/vm/guest/setup \
	tests/vm/job \
	tests/vm/setup-host \
	tests/vm/suites/checkpoint.sh \
	tests/vm/suites/conformance.sh \
	tests/vm/suites/engines.sh \
	tests/vm/suites/faults.sh \
	tests/vm/suites/integration.sh \
	tests/vm/suites/mounts.sh \
	tests/vm/suites/security.sh \
	tests/vm/suites/unit.sh \
	tests/vm/vm-run \
	.ci/run
