#!/bin/sh
# One fault at a time in proa, crun and runc, as many as can be had in little more than a minute each; what a fault
# in the peers leads to may happen here, where the machine is thrown away.  Only proa's counts decide.
if faults/run --runtime "$PROA" --runtime crun --runtime runc --seconds 70 2>&1; then
  echo 'ok 1 - no lie, leak, hang, crash or silence'
else
  echo 'not ok 1 - no lie, leak, hang, crash or silence'
fi
