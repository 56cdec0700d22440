#!/bin/sh
# What concerns mounts, namespaces and the start of a container, on a host that has many mounts: containers of any
# kind then begin with the kernel's own mount namespace.
exec integration/run --runtime "$PROA" --mounts 400 --tap mount annotations cgroup crash create descriptors devices exec \
  fail_closed hooks hostile id_mappings masked namespaces oom paths run: security_labels seccomp sysctl terminal trace
