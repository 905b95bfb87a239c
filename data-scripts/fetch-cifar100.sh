#!/usr/bin/env bash
# Fetches CIFAR-100 in its binary layout (161 MB) from www.cs.toronto.edu/~kriz, checks its published MD5 sum and unpacks it.
# An interrupted call goes on where it stopped; where the set is complete already, nothing is done.
#
#   fetch-cifar100.sh [DIR]    to DIR/cifar-100-binary; DIR is PATCHKIT_DATA, or data/ of this checkout, where none is named
#
# PATCHKIT_CIFAR_URL names a mirror's folder. The set: Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images".
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=common.sh
source "$here/common.sh"
# shellcheck source=cifar.sh
source "$here/cifar.sh"

fetch_cifar CIFAR-100 cifar-100-binary.tar.gz 03b5dce01913d631647c71ecec9e9cb8 cifar-100-binary \
  "train.bin:153700000 test.bin:30740000" "$@"
