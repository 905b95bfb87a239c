#!/usr/bin/env bash
# Sets PatchKit up and runs all tests. The last line is the sum over all runners: "N passed, N failed, N skipped".
# Arguments go to every xunit runner, such as -trait- speed=slow (without the slow ones) or -class
# PatchKit.Tests.Ops.SsdScanTests (`dotnet build/dotnet/bin/PatchKit.Tests/release/PatchKit.Tests.dll -?` lists them).
# `test.sh all ARGUMENT...` runs what else takes minutes: all notebooks in .NET Interactive, PowerShell's scripts and a
# set-up without a compiler, the builds for Windows and macOS, the package's own libpatchkit.
# `test.sh fast` runs the tests of a minute, those of xunit that are neither slow nor take seconds; `test.sh fast Ops`
# those of a folder of tests/.
# `test.sh vscode` runs the tests of the extension for VS Code instead: they take minutes more and packages of npm's.
set -euo pipefail

home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$home"
reports=build/test-reports
passed=0 failed=0 skipped=0

finish() {
  echo "$passed passed, $failed failed, $skipped skipped"
  exit $((failed > 0))
}

count() {
  passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

# A runner that ends without saying so (a crash, a signal, the time limit) counts as one failed test.
crashed() {
  local name=$1 code=$2 reason="exit code $2"
  if ((code == 124 || code == 137)); then reason="stopped after ${PATCHKIT_TEST_MINUTES:-60} minutes"; fi
  echo "The runner '$name' crashed ($reason); this counts as a failed test."
  count 0 1 0
}

limited() {
  timeout --kill-after=30 "${PATCHKIT_TEST_MINUTES:-60}m" "$@"
}

# The sum of an attribute over all <assembly> elements of an xunit report.
attribute() {
  local sum=0 value
  while read -r value; do sum=$((sum + value)); done \
    < <(grep -o '<assembly [^>]*>' "$2" | sed -nE "s/.* $1=\"([0-9]+)\".*/\1/p")
  echo "$sum"
}

# run_xunit NAME DLL ARGUMENT...: an xunit program, counted by its XML report.
run_xunit() {
  local name=$1 dll=$2 report=$reports/$1.xml code=0 failures left_out
  shift 2
  rm -f "$report"
  echo "Running the $name tests."
  limited "$dotnet" "$dll" -noColor -noLogo -xml "$report" "$@" || code=$?
  if [[ ! -s $report ]] || ! grep -q '</assemblies>' "$report"; then
    crashed "$name" "$code"
    return
  fi
  failures=$(($(attribute failed "$report") + $(attribute errors "$report")))
  left_out=$(($(attribute skipped "$report") + $(attribute not-run "$report")))
  count "$(attribute passed "$report")" "$failures" "$left_out"
  if ((code != 0 && failures == 0)); then crashed "$name" "$code"; fi
}

# run_counted NAME COMMAND...: any other runner; the last line it prints must be "N passed, N failed, N skipped".
run_counted() {
  local name=$1 output=$reports/$1.txt code=0 last pattern='^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$'
  shift
  echo "Running the $name tests."
  limited "$@" 2>&1 | tee "$output" || code=${PIPESTATUS[0]}
  last=$(tail -n 1 "$output")
  if [[ ! $last =~ $pattern ]]; then
    crashed "$name" "$code"
    return
  fi
  count "${BASH_REMATCH[@]:1:3}"
  if ((code != 0 && BASH_REMATCH[2] == 0)); then crashed "$name" "$code"; fi
}

if [[ ${1:-} == all ]]; then
  export PATCHKIT_TESTS=all
  shift
fi
mkdir -p "$reports"
if ! bash environment/setup.sh; then
  echo "Setting up failed, so no test ran; this counts as a failed test."
  count 0 1 0
  finish
fi
source environment/env.sh
dotnet=$(patchkit_dotnet)
export PATCHKIT_LAUNCHER=1 PATCHKIT_NATIVE=$home/bin/libpatchkit.so
tests=build/dotnet device=$(cat build/torch-device)
if [[ $device != cpu ]]; then tests+=-$device; fi
tests+=/bin

if [[ ${1:-} == vscode ]]; then
  shift
  run_counted vscode bash environment/vscode/test.sh "$@"
  finish
fi

if [[ ${1:-} == fast ]]; then
  shift
  fast=(-trait- speed=slow -trait- speed=seconds -trait- needs=feed)
  case ${1:-} in
    "") ;;
    Kernel) fast+=(-class "CsNotebook.Tests.*") ;;
    *) fast+=(-class "PatchKit.Tests.$1*") ;;
  esac
  set -- "${fast[@]}"
fi

# -- the runners, one line each --
run_xunit engine "$tests/PatchKit.Tests/release/PatchKit.Tests.dll" "$@"
run_xunit kernel "$tests/CsNotebook.Tests/release/CsNotebook.Tests.dll" "$@"
run_xunit formatting "$tests/Formatting.Tests/release/Formatting.Tests.dll" "$@"
if [[ -v fast ]]; then finish; fi
# Jupyter's own suite; without Debian's python3-jupyter-client and python3-jupyter-kernel-test it counts as skipped.
run_counted jupyter /usr/bin/python3 tests/Kernel/Jupyter/kernel_test.py
# The form of all sources; what csharpier or clang-format would check counts as skipped where that is missing.
run_counted form bash environment/format.sh --check
# A real browser; without chromium, node or npm it counts as skipped.
run_counted browser bash tests/Browser/test.sh

finish
