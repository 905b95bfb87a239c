#!/usr/bin/env bash
# Sets PatchKit up and runs all tests, two runners beside one another, those that need quiet last and alone. What a
# runner says is shown when it has ended. The last line is the sum over all of them: "N passed, N failed, N skipped".
# Arguments go to every xunit runner, and these run one after the other, such as -trait- speed=slow (without the slow
# ones) or -class PatchKit.Tests.Ops.SsdScanTests
# (`dotnet build/dotnet/bin/PatchKit.Tests/release/PatchKit.Tests.dll -?` lists them).
# `test.sh all ARGUMENT...` runs what else takes minutes: all notebooks in .NET Interactive, PowerShell's scripts and a
# set-up without a compiler, the builds for Windows and macOS, the package's own libpatchkit; and the long forms of some
# tests: table 1 by two processes with all its steps, 20 kills, two minutes of collections.
# `test.sh fast` runs the tests of a minute, those of xunit that are neither slow nor take seconds; `test.sh fast Ops`
# those of a folder of tests/, such as Data/Images, too.
# `test.sh vscode` runs the tests of the extension for VS Code instead: they take minutes more and packages of npm's.
set -euo pipefail

home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$home"
reports=build/test-reports
counts=$reports/counts

finish() {
  local passed failed skipped
  read -r passed failed skipped < <(awk '{p += $1; f += $2; s += $3} END {print p + 0, f + 0, s + 0}' "$counts")
  echo "$passed passed, $failed failed, $skipped skipped"
  exit $((failed > 0))
}

# count PASSED FAILED SKIPPED: adds to the sum, also from a runner in the background.
count() {
  echo "$@" >>"$counts"
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

# run_xunit NAME PROJECT ARGUMENT...: an xunit program, counted by its XML report.
run_xunit() {
  local name=$1 dll=$bin/$2/release/$2.dll report=$reports/$1.xml code=0 failures left_out
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
rm -f "$reports"/*.begun
: >"$counts"
if ! bash environment/setup.sh; then
  echo "Setting up failed, so no test ran; this counts as a failed test."
  count 0 1 0
  finish
fi
threads=${OMP_NUM_THREADS-}
source environment/env.sh
dotnet=$(patchkit_dotnet)
export PATCHKIT_LAUNCHER=1 PATCHKIT_NATIVE=$home/bin/libpatchkit.so
bin=build/dotnet device=$(cat build/torch-device)
if [[ $device != cpu ]]; then bin+=-$device; fi
bin+=/bin

if [[ ${1:-} == vscode ]]; then
  shift
  run_counted vscode bash environment/vscode/test.sh "$@"
  finish
fi

# Jupyter's own suite; without Debian's python3-jupyter-client and python3-jupyter-kernel-test it counts as skipped.
jupyter() { run_counted jupyter /usr/bin/python3 tests/Kernel/Jupyter/kernel_test.py; }

# The form of all sources; what csharpier or clang-format would check counts as skipped where that is missing.
form() { run_counted form bash environment/format.sh --check; }

# A real browser; without chromium, node or npm it counts as skipped.
browser() { run_counted browser bash tests/Browser/test.sh; }

# beside COMMAND...: starts a runner in the background, once fewer than two are at work, with half of the processors as
# libtorch's threads: two pools that wait for one another's processors are several times slower.
beside() {
  local name=$1
  if [[ $name == run_xunit ]]; then name=$2; fi
  while (($(jobs -pr | wc -l) >= 2)); do wait -n || true; done
  echo "The $name tests begin."
  : >"$reports/$name.begun"
  (
    export OMP_NUM_THREADS=${threads:-$((($(nproc) + 1) / 2))}
    said=$("$@" 2>&1) || true
    echo "$said"
    rm "$reports/$name.begun"
  ) &
}

# Waits for the runners in the background. One that was ended itself, and so counted nothing, counts as failed.
join() {
  local left
  wait
  for left in "$reports"/*.begun; do
    if [[ -e $left ]]; then crashed "$(basename "$left" .begun)" "that of its shell"; fi
  done
}

# A process and all that it started, where Debian's procps is.
stop() {
  local child
  for child in $(pgrep -P "$1"); do stop "$child"; done
  kill "$1"
}

# A runner in the background ends with this script.
stop_runners() {
  local job
  for job in $(jobs -pr); do stop "$job" || true; done 2>/dev/null
}
trap stop_runners EXIT

if [[ ${1:-} == fast ]]; then
  fast=(-trait- speed=slow -trait- speed=seconds -trait- needs=feed)
  folder=${2:-}
  case $folder in
    "")
      beside run_xunit engine PatchKit.Tests "${fast[@]}"
      beside run_xunit kernel CsNotebook.Tests "${fast[@]}"
      beside run_xunit formatting Formatting.Tests "${fast[@]}"
      join
      ;;
    Kernel) run_xunit kernel CsNotebook.Tests "${fast[@]}" ;;
    Formatting) run_xunit formatting Formatting.Tests "${fast[@]}" ;;
    *) run_xunit engine PatchKit.Tests "${fast[@]}" -class "PatchKit.Tests.${folder//\//.}.*" ;;
  esac
  finish
fi

if (($#)); then
  run_xunit engine PatchKit.Tests "$@"
  run_xunit kernel CsNotebook.Tests "$@"
  run_xunit formatting Formatting.Tests "$@"
  jupyter
  form
  browser
  finish
fi

# The longest first. `work=processes` has the tests whose work other processes do; those of Ops have all threads, as
# they are about what threads compute together.
beside run_xunit processes PatchKit.Tests -trait work=processes
beside run_xunit engine PatchKit.Tests -trait- work=processes -namespace- "PatchKit.Tests.Ops"
beside browser
beside run_xunit kernel CsNotebook.Tests -trait- needs=quiet
beside jupyter
beside form
beside run_xunit formatting Formatting.Tests
join
run_xunit operators PatchKit.Tests -namespace "PatchKit.Tests.Ops"
run_xunit quiet CsNotebook.Tests -trait needs=quiet
finish
