#!/usr/bin/env bash
# Tests in a real browser: the course site's pages, and csnotebook in Debian's jupyter-notebook. What they need besides
# PatchKit is taken where it is, and what is missing is skipped by name:
#   apt-get install chromium nodejs npm jupyter-notebook
# playwright-core comes from npm as package-lock.json names it; it brings no browser of its own.
# The last line is "N passed, N failed, N skipped". Pictures of what was seen lie in build/browser/seen.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
home=$(cd "$here/../.." && pwd -P)
work=$home/build/browser

skip() {
  echo "Skipped: $*"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
}

chromium=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || true)}
[[ -n $chromium ]] || skip "chromium is missing: apt-get install chromium."
command -v node >/dev/null && command -v npm >/dev/null || skip "node or npm is missing: apt-get install nodejs npm."
[[ -x $home/bin/csnotebook ]] || skip "bin/csnotebook is missing: run environment/setup.sh."

mkdir -p "$work"
if ! cmp -s "$here/package-lock.json" "$work/package-lock.json"; then
  cp "$here/package.json" "$here/package-lock.json" "$work"
  if ! (cd "$work" && timeout 120 npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1); then
    rm -f "$work/package-lock.json"
    skip "playwright-core could not be had from npm; see build/browser/npm.log."
  fi
fi
rm -rf "$work/seen" "$work/tests"
mkdir -p "$work/seen"
# Beside node_modules, where node looks for them.
cp -r "$here" "$work/tests"
CHROMIUM=$chromium exec node "$work/tests/run.mjs" "$home" "$work" "$@"
