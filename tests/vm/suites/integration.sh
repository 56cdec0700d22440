#!/bin/sh
# The whole integration suite, which is nowhere else run with all controllers of cgroup v2.
exec integration/run --runtime "$PROA" --tap
