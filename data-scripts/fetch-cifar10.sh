#!/usr/bin/env bash
# Fetches CIFAR-10 in its binary layout (162 MB) from www.cs.toronto.edu/~kriz, checks its published MD5 sum and unpacks it.
# An interrupted call goes on where it stopped; where the set is complete already, nothing is done.
#
#   fetch-cifar10.sh [DIR]     to DIR/cifar-10-batches-bin; DIR is PATCHKIT_DATA, or data/ of this checkout, where none is named
#
# PATCHKIT_CIFAR_URL names a mirror's folder. The set: Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images".
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=common.sh
source "$here/common.sh"
# shellcheck source=cifar.sh
source "$here/cifar.sh"

fetch_cifar CIFAR-10 cifar-10-binary.tar.gz c32a1d4ab5d03f1284b67883e8d87530 cifar-10-batches-bin \
  "$(echo data_batch_{1..5}.bin:30730000) test_batch.bin:30730000" "$@"
