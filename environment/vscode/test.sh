#!/usr/bin/env bash
# Tests the extension for VS Code: its words and its half of the protocol by Node.js, then all of it in a real VS Code
# (code-server, from npm), driven in Debian's Chromium. What is missing is skipped by name. The last line is the sum:
# "N passed, N failed, N skipped". Arguments choose steps of the walk by a part of their names.
#
# code-server is compiled as it is installed, once, in build/vscode-test: that takes minutes and Debian's g++, make,
# python3, libkrb5-dev, libx11-dev, libxkbfile-dev and libsecret-1-dev.
set -euo pipefail

home=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
here=$home/environment/vscode tools=$home/build/vscode-test/tools work=$home/build/vscode-test/work
passed=0 failed=0 skipped=0 server=""
entry=$tools/node_modules/code-server/out/node/entry.js
folders=(--user-data-dir "$work/data" --extensions-dir "$work/extensions")
vscode=4.139.1 node=24 playwright=1.59.1

finish() {
  echo "$passed passed, $failed failed, $skipped skipped"
  exit $((failed > 0))
}

skip() { echo "$1: skipped, $2"; skipped=$((skipped + 1)); }

fail() { echo "$1: failed, $2"; failed=$((failed + 1)); finish; }

build() {
  if [[ ! -d $here/node_modules ]]; then npm ci --prefix "$here" --ignore-scripts; fi
  npm run --prefix "$here" package
  (cd "$here/test/other-kernel" && "$here/node_modules/.bin/vsce" package --no-dependencies --skip-license \
    --allow-missing-repository --out "$work/other-kernel.vsix")
}

# What Node.js's own runner counts.
units() {
  local report=$work/units.txt
  (cd "$here" && npm test) >"$report" 2>&1 || true
  if ! grep -q '^. tests ' "$report"; then tail -n 20 "$report"; fail "the tests without VS Code" "they did not run"; fi
  grep -E '^\s*(✖|not ok) ' "$report" | sort -u || true
  count() { sed -nE "s/^. $1 ([0-9]+)$/\1/p" "$report" | tail -n 1; }
  echo "the tests without VS Code: $(count pass) passed, $(count fail) failed, $(count skipped) skipped"
  passed=$((passed + $(count pass))) failed=$((failed + $(count fail))) skipped=$((skipped + $(count skipped)))
}

install_tools() {
  export PATH=$tools/node_modules/node/bin:$PATH
  if [[ -e $tools/installed-$vscode-$playwright ]]; then return; fi
  mkdir -p "$tools"
  npm install --prefix "$tools" --no-save "node@$node" &&
    npm install --prefix "$tools" --no-save "node@$node" "code-server@$vscode" "playwright-core@$playwright" &&
    touch "$tools/installed-$vscode-$playwright"
}

serve() {
  local port=$1
  # A session of its own, so that what the server started ends with it.
  setsid node "$entry" "${folders[@]}" --auth none --bind-addr "127.0.0.1:$port" --disable-telemetry \
    --disable-update-check "$work/folder" >"$work/server.log" 2>&1 &
  server=$!
  trap 'kill -- -$server 2>/dev/null; wait $server 2>/dev/null || true' EXIT
  for _ in $(seq 100); do
    if curl -sf -o /dev/null "http://127.0.0.1:$port/healthz"; then return; fi
    sleep 0.2
  done
  return 1
}

walk() {
  local port chromium
  chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
    skip "the walk in VS Code" "there is no Chromium (Debian's package chromium)"
    return
  }
  if ! install_tools >"$work/tools.log" 2>&1; then
    skip "the walk in VS Code" "npm could not install code-server; see ${work#"$home/"}/tools.log"
    return
  fi
  # A folder of its own, so that no notebook of the checkout is changed and no run is left behind.
  mkdir -p "$work/folder/notebooks" "$work/data/User" "$work/screens"
  cp "$home"/notebooks/02-*.ipynb "$work/folder/notebooks/"
  ln -s "$home/bin" "$home/environment" "$work/folder/"
  cat >"$work/data/User/settings.json" <<'SETTINGS'
{ "workbench.startupEditor": "none", "workbench.colorTheme": "Light Modern",
  "workbench.preferredLightColorTheme": "Light Modern", "workbench.preferredDarkColorTheme": "Dark Modern",
  "files.autoSave": "afterDelay",
  "files.autoSaveDelay": 200, "telemetry.telemetryLevel": "off", "extensions.ignoreRecommendations": true,
  "window.commandCenter": false, "chat.disableAIFeatures": true,
  "workbench.secondarySideBar.defaultVisibility": "hidden", "remote.autoForwardPorts": false,
  "git.openRepositoryInParentFolders": "never" }
SETTINGS
  local install=(node "$entry" "${folders[@]}" --install-extension)
  "${install[@]}" "$here/dist/patchkit-notebooks.vsix" >"$work/install.log" 2>&1 ||
    fail "the extension's installation" "$(tail -n 1 "$work/install.log")"
  port=$((20000 + RANDOM % 20000))
  serve "$port" || fail "code-server" "it does not answer; see ${work#"$home/"}/server.log"
  cp -r "$here/test/walk" "$tools/"
  INSTALL_OTHER=$(printf '%q ' "${install[@]}" "$work/other-kernel.vsix") node "$tools/walk/walk.mjs" \
    "http://127.0.0.1:$port" "$work/folder" "$work/screens" "$chromium" "$@" | tee "$work/walk.txt" || true
  local last
  last=$(tail -n 1 "$work/walk.txt")
  if [[ ! $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
    fail "the walk" "it did not end"
  fi
  passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
}

if ! command -v npm >/dev/null; then
  skip "the extension for VS Code" "there is no npm"
  finish
fi
rm -rf "$work"
mkdir -p "$work"
if ! build >"$work/build.log" 2>&1; then
  tail -n 20 "$work/build.log"
  fail "the build" "see ${work#"$home/"}/build.log"
fi
size=$(stat -c %s "$here/dist/patchkit-notebooks.vsix")
echo "the extension has $((size / 1024)) KB"
if ((size > 6000000)); then fail "the extension's size" "$size bytes are more than 6 MB"; fi
units
if [[ -x $home/bin/csnotebook ]]; then
  walk "$@"
else
  skip "the walk in VS Code" "bin/csnotebook is not built; run environment/setup.sh"
fi
finish
