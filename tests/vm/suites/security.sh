#!/bin/sh
# Known attacks, on this runtime and beside it on those of the guest's Debian: tests/security/README.md.  Others are
# tried here and nowhere else: some of them have removed what is not theirs.
PROA_DISPOSABLE_MACHINE=1
export PROA_DISPOSABLE_MACHINE
exec security/run --runtime "$PROA" --runtime crun --runtime runc --tries 100
