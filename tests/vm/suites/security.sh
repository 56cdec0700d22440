#!/bin/sh
# Known attacks, on this runtime and beside it on those of the guest's Debian: tests/security/README.md.  Others are
# tried here and nowhere else: some of them have removed what is not theirs.  "runc-1.1.5" or the like among the
# job's files is tried, too.
set -eu
others=
for path in /usr/bin/crun /usr/sbin/runc /usr/bin/runc /job/crun-* /job/runc-*; do
  [ ! -x "$path" ] || others="$others --runtime $path"
done
# shellcheck disable=SC2086 # several words
exec security/run --runtime "$PROA" $others --tries "${PROA_SECURITY_TRIES:-200}"
