#!/bin/sh
# A selection of what users type, with the engines of the guest's Debian, which are newer.
exec engines/run --runtime "$PROA" --sample --role root --engine podman --engine containerd --engine docker
