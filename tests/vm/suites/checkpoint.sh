#!/bin/sh
# checkpoint and restore, where a kernel tells which memory has changed; --kernel trixie alone runs CRIU.
exec integration/run --runtime "$PROA" --tap test_checkpoint test_restore
