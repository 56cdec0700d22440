#!/bin/sh
# What the specification says of what only this guest has: all controllers, and AppArmor.
exec oci-conformance/run --runtime "$PROA" --known oci-conformance/proa.known \
  cgroups resources linux_process
