#!/usr/bin/env bash
# Checks PatchKit on a bare CUDA machine: python3 with a pip-installed torch, nvcc, cmake and ninja, but no .NET and no
# network. What .NET needs travels along in a folder.
#
#   gpu-check.sh pack              here: makes build/gpu-kit/ (the .NET runtime, the published build, lib/Native)
#   gpu-check.sh STEP...           there: runs these steps; each ends within 10 minutes
#   gpu-check.sh all [--minutes N] there: runs the steps in order, as many as N minutes hold (9)
#   gpu-check.sh steps             lists the steps
#   --cpu                          a rehearsal without a GPU: the libtorch of TORCH_HOME, or the system's
#
# Carry build/gpu-kit/ to the other machine, beside this repository or alone (it holds a copy of this script). Every
# step adds its result to build/gpu-report.json, or to gpu-report.json beside the kit's script; report and logs are
# copied to $OUT where that is set.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
if [[ -e $here/patchkit.tar.xz ]]; then
  kit=$here build=$here # the copy inside the kit
else
  build=$(dirname "$here")/build
  kit=$build/gpu-kit
fi
work=$build/gpu-work
report=$build/gpu-report.json
step_limit=570
device=cuda

fail() { echo "gpu-check.sh: $*" >&2; exit 2; }

# == the steps =========================================================================================================
# They run in $work, which looks like the repository, with `dotnet` on the path. A later part adds a name and a function.

steps=(native doctor kernels tests training bench bench-kernels)

# lib/Native against the machine's libtorch.
step_native() {
  cmake -S lib/Native -B native -G Ninja -DTORCH_HOME="$TORCH_HOME"
  cmake --build native
  cp native/libpatchkit.so bin/libpatchkit.so
}

# Doctor is content without a GPU; here it must have found one.
step_doctor() {
  bin/patchkit doctor | tee doctor.txt
  [[ $device == cpu ]] || grep -qE 'CUDA +[1-9][0-9]* device' doctor.txt || {
    echo "patchkit doctor sees no CUDA device here."
    return 1
  }
}

# The operators' CUDA kernels by themselves, then the operators and the models that use them by their golden numbers and
# gradients.
step_kernels() {
  local code=0
  if [[ $device == cuda ]] || python3 -c 'import torch' 2>/dev/null; then
    python3 -u environment/gpu-kernels.py bin/libpatchkit.so "$device" || code=$?
  else
    echo "python3 has no torch here, so the kernels are not checked by themselves."
  fi
  rm -f kernels.xml
  PATCHKIT_TEST_DEVICE=$device PATCHKIT_NATIVE=$work/bin/libpatchkit.so \
    dotnet tests-bin/PatchKit.Tests.dll -noColor -noLogo -xml kernels.xml \
    -class 'PatchKit.Tests.Ops.*' -class- PatchKit.Tests.Ops.LongRunTests -class PatchKit.Tests.Models.MixerGolden \
    -class PatchKit.Tests.Models.AdventurerGolden -class PatchKit.Tests.Models.VitGolden || code=$?
  return "$code"
}

# All tests but the slow ones; those that can are on the GPU.
step_tests() {
  rm -f tests.xml
  PATCHKIT_TEST_DEVICE=$device PATCHKIT_NATIVE=$work/bin/libpatchkit.so \
    dotnet tests-bin/PatchKit.Tests.dll -noColor -noLogo -xml tests.xml -trait- speed=slow
}

# Both families trained from p = 8 to 2, in bfloat16 on a GPU, and what a step of them costs.
step_training() {
  bin/patchkit run table1 --scale smoke --device "$device" --out runs
  bin/patchkit run table6 --scale smoke --device "$device" --out runs
}

step_bench() { bin/patchkit bench engine; }

# Times of the CUDA kernels; the scan also with TF32 matrix products and with longer chunks.
step_bench-kernels() {
  if [[ $device == cpu ]]; then
    echo "Times are taken on a GPU only."
  else
    python3 -u environment/gpu-kernels.py bin/libpatchkit.so "$device" --bench
  fi
}

# == pack: on the machine with .NET ====================================================================================

pack() {
  local home dotnet
  home=$(dirname "$here")
  bash "$here/setup.sh"
  dotnet=$(bash -c "source '$here/env.sh'; patchkit_dotnet")
  mkdir -p "$kit"
  pack_runtime "$(dirname "$(readlink -f "$dotnet")")"
  pack_patchkit "$home"
  cp "$here/gpu-check.sh" "$kit/"
  check_size
}

# The newest shared runtime and the host that starts it, without the SDK.
pack_runtime() {
  local root=$1 version
  version=$(find "$root/shared/Microsoft.NETCore.App" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -V | tail -n 1)
  if [[ -e $kit/dotnet.tar.xz && $(cat "$kit/dotnet.version" 2>/dev/null) == "$version" ]]; then return; fi
  echo "Packing the .NET runtime $version."
  tar -C "$root" -c dotnet "host/fxr/$version" "shared/Microsoft.NETCore.App/$version" |
    xz -T0 -6 >"$kit/dotnet.tar.xz.new"
  mv "$kit/dotnet.tar.xz.new" "$kit/dotnet.tar.xz"
  echo "$version" >"$kit/dotnet.version"
}

pack_patchkit() {
  local home=$1
  echo "Packing the published build, the tests and lib/Native."
  # The tests' build goes to tests-bin; what a GPU machine builds itself, and translated messages, stay here.
  tar -C "$home" -c --exclude=libpatchkit.so --exclude='*.pdb' --exclude='*.resources.dll' \
    --transform='s,^build/dotnet/bin/PatchKit.Tests/release,tests-bin,' \
    PatchKit.csproj bin environment lib/Native tests/golden tests/fixtures build/dotnet/bin/PatchKit.Tests/release |
    xz -T0 -6 >"$kit/patchkit.tar.xz"
}

check_size() {
  local megabytes
  megabytes=$(du -sm "$kit" | cut -f1)
  echo "build/gpu-kit/ holds $megabytes MB."
  if ((megabytes >= 60)); then fail "the kit may hold less than 60 MB; leave something out of pack_patchkit."; fi
}

# == running: on the CUDA machine ======================================================================================

prepare() {
  [[ -e $kit/patchkit.tar.xz ]] || fail "$kit is missing or empty; run 'gpu-check.sh pack' where .NET is, and carry the folder along."
  mkdir -p "$work"
  local wanted
  wanted=$(cat "$kit"/*.tar.xz | sha256sum)
  if [[ $(cat "$work/unpacked" 2>/dev/null) != "$wanted" ]]; then
    rm -rf "$work"
    mkdir -p "$work/dotnet"
    tar -C "$work" -xJf "$kit/patchkit.tar.xz"
    tar -C "$work/dotnet" -xJf "$kit/dotnet.tar.xz"
    echo "$wanted" >"$work/unpacked"
  fi
  export DOTNET_ROOT=$work/dotnet PATH=$work/dotnet:$PATH
  choose_torch
  source "$work/environment/env.sh"
  export PATCHKIT_LAUNCHER=1 NO_COLOR=1
}

choose_torch() {
  if [[ $device == cpu ]]; then
    export TORCH_HOME=${TORCH_HOME-}
  else
    TORCH_HOME=$(python3 -c 'import os, torch; print(os.path.dirname(torch.__file__))') ||
      fail "python3 cannot import torch here; --cpu rehearses without it."
    export TORCH_HOME
  fi
}

# run_step NAME SECONDS: runs one step in a shell of its own, with its output in a log, and reports it.
run_step() {
  local name=$1 seconds=$2 started=$SECONDS code=0
  echo "== $name"
  (
    cd "$work"
    export -f "step_$name"
    export work device
    timeout --kill-after=5 "$seconds" bash -euo pipefail -c "step_$name"
  ) >"$work/$name.log" 2>&1 || code=$?
  tail -n 40 "$work/$name.log"
  write_report "$name" "$code" "$((SECONDS - started))"
  if ((code)); then failed=yes; fi
}

skip_step() {
  echo "== $1: not run, no time was left; run it by its name."
  write_report "$1" not-run 0
}

write_report() {
  python3 - "$report" "$work" "$device" "$@" <<'PYTHON'
import json, os, platform, re, subprocess, sys, time

report, work, device, name, code, seconds = sys.argv[1:]

def output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""

def machine():
    facts = {"cpu": platform.machine(), "cores": os.cpu_count(), "device": device, "torch_home": os.environ["TORCH_HOME"]}
    facts["gpu"] = output("nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader")
    facts["nvcc"] = output("nvcc", "--version").rpartition("\n")[2]
    if device == "cuda":
        facts["torch"] = output(sys.executable, "-c", "import torch; print(torch.__version__, torch.cuda.is_available())")
    return facts

def tests():
    with open(os.path.join(work, name + ".xml"), encoding="utf-8") as file:
        head = re.search("<assembly [^>]*>", file.read()).group()
    return {key: int(re.search(f' {key}="([0-9]+)"', head).group(1)) for key in ("passed", "failed", "skipped", "errors")}

entry = {"step": name, "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
if code == "not-run":
    entry["result"] = "not run"
else:
    entry["result"] = "ok" if code == "0" else "stopped at its time limit" if code in ("124", "137") else "failed"
    entry["exit_code"], entry["seconds"] = int(code), int(seconds)
    with open(os.path.join(work, name + ".log"), encoding="utf-8", errors="replace") as file:
        entry["output"] = file.read().splitlines()[-200:]
    if name in ("kernels", "tests"):
        try:
            entry["tests"] = tests()
        except (OSError, AttributeError):
            entry["tests"] = "the runner crashed before it wrote a report"

try:
    with open(report, encoding="utf-8") as file:
        whole = json.load(file)
except (OSError, ValueError):
    whole = {"steps": []}
if "machine" not in whole or whole["machine"]["device"] != device:
    whole["machine"] = machine()
whole["steps"].append(entry)
with open(report + ".new", "w", encoding="utf-8") as file:
    json.dump(whole, file, indent=1)
os.replace(report + ".new", report)
PYTHON
}

# Two files, however many steps there are: such a folder may be limited in files.
copy_out() {
  if [[ -n ${OUT:-} ]]; then
    cp "$report" "$OUT/"
    (cd "$work" && find . -maxdepth 1 -name '*.log' -print0 | tar -czf "$OUT/gpu-logs.tar.gz" --null -T -)
  fi
}

main() {
  local wanted=() minutes=9 everything="" name left
  failed=""
  while (($#)); do
    case $1 in
      pack) pack; return ;;
      steps) echo "${steps[*]}"; return ;;
      all) wanted=("${steps[@]}") everything=yes ;;
      --cpu) device=cpu ;;
      --minutes) minutes=${2:-}; shift ;;
      *)
        [[ " ${steps[*]} " == *" $1 "* ]] || fail "'$1' is no step; the steps are: ${steps[*]}, or pack, or all."
        wanted+=("$1")
        ;;
    esac
    shift
  done
  ((${#wanted[@]})) || fail "name a step (${steps[*]}), or all, or pack."
  prepare
  for name in "${wanted[@]}"; do
    left=$step_limit
    if [[ -n $everything ]]; then left=$((minutes * 60 - SECONDS < step_limit ? minutes * 60 - SECONDS : step_limit)); fi
    if ((left < 10)); then skip_step "$name"; else run_step "$name" "$left"; fi
  done
  copy_out
  echo "The report is $report."
  [[ -z $failed ]]
}

main "$@"
