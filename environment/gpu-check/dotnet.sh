#!/usr/bin/env bash
# The .NET half of the checks on a GPU; kernels.py is the other one, and goes first. Checks PatchKit on a bare CUDA
# machine, measures it there and trains what is recorded: python3 with a pip-installed torch, whose libtorch TorchSharp
# then takes, cmake and ninja, but no .NET and no network. What .NET needs travels along in a folder.
#
#   dotnet.sh pack [--data DIR]    here: makes build/gpu-kit/ (the .NET runtime, the published build, lib/Native), and
#                                  of the images in DIR build/gpu-data/, in parts that travel one by one
#   dotnet.sh STEP...              there: runs these steps; each ends within 4 minutes
#   dotnet.sh all [--minutes N]    there: runs the steps in order, as many as N minutes hold (9)
#   dotnet.sh steps                lists the steps, in order of value
#   --seeds N, --budget X          what the recorded trainings take: seeds (1), a multiple of the recipe's 10 epochs (1)
#   --cpu                          a rehearsal without a GPU, at sizes that end in about a minute, with the libtorch of
#                                  this checkout's bin/ where it has one
#
# Carry build/gpu-kit/ to the other machine, beside this repository or alone (it holds a copy of this script). Every
# step adds its result to build/gpu-report.json, or to gpu-report.json beside the kit's script; report, logs and the
# store of runs, without weights, are copied to $OUT where that is set. A training step that its time limit ended goes
# on when it is run again; on another machine, what was finished is not trained again where gpu-runs.tar.gz lies beside
# the report.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
if [[ -e $here/patchkit.tar.xz ]]; then
  kit=$here build=$here home=$here # the copy inside the kit
else
  home=$(dirname "$(dirname "$here")")
  build=$home/build
  kit=$build/gpu-kit
fi
work=$build/gpu-work
report=$build/gpu-report.json
data=$build/gpu-data
kept_runs=$build/gpu-runs.tar.gz
step_limit=235
device=cuda
seeds=1
budget=1

fail() { echo "dotnet.sh: $*" >&2; exit 2; }

# == the steps =========================================================================================================
# They run in $work, which looks like the repository, with `dotnet` on the path. A later part adds a name and a
# function.

steps=(libtorch native doctor kernels bench-scan steps-deit steps-adventurer pixel-step record-generated bench-attention
  tests record-cifar record-table6 training bench)

# Whether this machine's libtorch has all that TorchSharp's natives ask of theirs, which is of another version.
step_libtorch() {
  local ours='2at|3c10|5torch|11caffe2' natives
  natives=$(find bin -maxdepth 1 -name 'lib*TorchSharp*.so*')
  sed -n "s/^__version__ = '\(.*\)'/libtorch \1/p" "$PATCHKIT_LIBTORCH/../version.py" 2>/dev/null || true
  # shellcheck disable=SC2086  # file names of ours, without spaces
  nm -D --undefined-only $natives | awk '$1 == "U" {print $2}' | grep -E "^_ZN?K?[A-Z]*($ours)" | sort -u >wanted.txt
  find "$PATCHKIT_LIBTORCH" -maxdepth 1 -name '*.so*' -exec nm -D --defined-only {} + 2>/dev/null |
    awk 'NF == 3 {print $3}' | sed 's/@.*//' | sort -u >there.txt
  comm -23 wanted.txt there.txt >missing.txt
  echo "TorchSharp asks libtorch for $(wc -l <wanted.txt) symbols; here $(wc -l <missing.txt) of them are missing."
  c++filt <missing.txt
  [[ ! -s missing.txt ]]
}

# The kernels, for this machine's processor.
step_native() {
  cmake -S lib/Native -B native -G Ninja
  cmake --build native
  cp native/libpatchkit*.so bin/
}

step_doctor() { bin/patchkit doctor --device "$device"; }

# The operators and the models that use them by their golden numbers and gradients.
step_kernels() {
  rm -f kernels.xml
  PATCHKIT_TEST_DEVICE=$device PATCHKIT_NATIVE=$work/bin/libpatchkit.so \
    dotnet tests-bin/PatchKit.Tests.dll -noColor -noLogo -xml kernels.xml \
    -class 'PatchKit.Tests.Ops.*' -class- PatchKit.Tests.Ops.LongRunTests -class PatchKit.Tests.Models.MixerGolden \
    -class PatchKit.Tests.Models.AdventurerGolden -class PatchKit.Tests.Models.VitGolden
}

# sizes ARGUMENTS... -- ARGUMENTS...: sets `args` to the first ones on a GPU, to the others in a rehearsal.
sizes() {
  args=()
  while [[ $1 != -- ]]; do args+=("$1"); shift; done
  shift
  if [[ $device == cpu ]]; then args=("$@"); fi
}

# At b=8 l=12544 h=24 p=n=64 in bfloat16.
step_bench-scan() {
  sizes --pairs 7 -- --dtype float32 --batch 1 --length 500 --heads 4 --pairs 2
  bin/patchkit bench scan --device "$device" --json bench-scan.json "${args[@]}"
}

step_bench-attention() {
  sizes --pairs 7 -- --dtype float32 --batch 1 --length 500 --heads 2 --pairs 2
  bin/patchkit bench attention --device "$device" --json bench-attention.json "${args[@]}"
}

# The tests but the slow ones, by namespace, those first that a GPU can tell most of; those that can are on it. What
# wants the sources, the SDK or notebooks stays where .NET is. A group that passed is not run again. The rehearsal takes
# the first three.
step_tests() {
  local first=(Torch Models Training) elsewhere=(House Notebooks Package Platforms) others
  local group left failures=0 code
  others=$(dotnet tests-bin/PatchKit.Tests.dll -noColor -noLogo -list classes |
    sed -nE 's/^ *PatchKit\.Tests\.(\w+)\..*/\1/p' | sort -u |
    grep -vxF "$(printf '%s\n' "${first[@]}" "${elsewhere[@]}")")
  # shellcheck disable=SC2086  # one word per group is what is wanted
  sizes "${first[@]}" $others -- "${first[@]}"
  for group in "${args[@]}"; do
    [[ ! -e tests-$group.passed ]] || continue
    left=$((limit - SECONDS - 10)) code=0
    if ((left < 20)); then return 75; fi
    PATCHKIT_TEST_DEVICE=$device PATCHKIT_NATIVE=$work/bin/libpatchkit.so timeout --foreground "$left" \
      dotnet tests-bin/PatchKit.Tests.dll -noColor -noLogo -xml "tests-$group.xml" -class "PatchKit.Tests.$group.*" \
      -trait- speed=slow || code=$?
    if ((code == 124)); then return 75; fi
    if ((code)); then failures=1; else touch "tests-$group.passed"; fi
  done
  return $failures
}

# Training steps of DeiT-Base at 224, p = 16 to 1, beside eager PyTorch and Table 6.
step_steps-deit() {
  # So few tokens that the peer's model has room beside ours, and that six steps of each at p = 1 end in time.
  sizes --model deit-base --tokens 50176 -- --model deit-tiny --input 32 --patch 16 8 --batch 2 --pairs 2 --seconds .1
  bin/patchkit bench steps --device "$device" --peer --json steps-deit.json "${args[@]}"
}

step_steps-adventurer() {
  sizes --model adventurer-base -- --model adventurer-tiny --input 32 --patch 16 8 --batch 2 --pairs 2 --seconds .1
  bin/patchkit bench steps --device "$device" --json steps-adventurer.json "${args[@]}"
}

# Adventurer-Base, every one of 224 x 224 pixels a token.
step_pixel-step() {
  sizes --model adventurer-base -- --model adventurer-tiny --input 32
  bin/patchkit bench pixel-step --device "$device" --steps 3 --json pixel-step.json "${args[@]}"
}

# record NAME ARGUMENTS...: trains a table until the step's time is nearly over, 75 saying that it is not finished, and
# writes it down when it is.
record() {
  local code=0 left=$((limit - SECONDS - 75))
  if ((left < 10)); then return 75; fi
  # In the foreground it sends one signal, at which patchkit saves; a second one would end it at once.
  timeout --foreground --kill-after=60 "$left" \
    bin/patchkit run "$@" --device "$device" --auto-batch --out runs || code=$?
  case $code in
    0) bin/patchkit record "$@" --runs runs --out recorded ;;
    124 | 130) return 75 ;;
    *) return "$code" ;;
  esac
}

# The paper's tables on generated images, and on CIFAR-10: both families, patch 16 to 1.
step_record-generated() {
  # Packed: held in memory, and augmented where training is.
  [[ -e generated/val ]] || {
    rm -rf images generated.new
    sizes 32 20000 -- 16 1600
    bin/patchkit data generate --size "${args[0]}" --count "${args[1]}" --out images
    bin/patchkit data pack images --size "${args[0]}" --out generated.new
    mv generated.new generated
  }
  sizes --scale gpu --budget "$budget" -- --scale teach --budget .02
  record table1 --data generated --seeds "$seeds" "${args[@]}"
}

step_record-cifar() {
  [[ -d data ]] || {
    echo "There are no images here: carry build/gpu-data/ along, part by part, which 'dotnet.sh pack --data DIR' makes."
    return 66
  }
  sizes --scale gpu --budget "$budget" -- --scale teach --budget .02
  local name
  for name in table1 table5 figure4 table4; do record "$name" --data data --seeds "$seeds" "${args[@]}"; done
}

# Table 6 measured: on a GPU the Base models at 224.
step_record-table6() {
  sizes --scale gpu -- --scale teach
  record table6 "${args[@]}"
}

# Both families trained from p = 8 to 2, in bfloat16 on a GPU, and what a step of them costs.
step_training() {
  bin/patchkit run table1 --scale smoke --device "$device" --out smoke
  bin/patchkit run table6 --scale smoke --device "$device" --out smoke
}

step_bench() { bin/patchkit bench engine; }

# == pack: on the machine with .NET ====================================================================================

pack() {
  local dotnet
  [[ -z $(git -C "$home" status --porcelain -- lib PatchKit.csproj Directory.*.props 2>/dev/null) ]] ||
    echo "dotnet.sh: lib/ has changes that are in no commit: the record steps will refuse what this kit trains." \
      "Commit them and pack again." >&2
  bash "$home/environment/setup.sh"
  dotnet=$(bash -c "source '$home/environment/env.sh'; patchkit_dotnet")
  mkdir -p "$kit"
  pack_runtime "$(dirname "$(readlink -f "$dotnet")")"
  pack_patchkit
  cp "$here/dotnet.sh" "$kit/"
  if [[ -n $images ]]; then pack_data; fi
  check_size
}

# The newest shared runtime and the host that starts it, without the SDK.
pack_runtime() {
  local root=$1 version
  version=$(find "$root/shared/Microsoft.NETCore.App" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -V | tail -n 1)
  if [[ -e $kit/dotnet.tar.xz && $(cat "$kit/dotnet.version" 2>/dev/null) == "$version" ]]; then return; fi
  echo "Packing the .NET runtime $version."
  tar -C "$root" -c dotnet "host/fxr/$version" "shared/Microsoft.NETCore.App/$version" |
    xz -9 >"$kit/dotnet.tar.xz.new"
  mv "$kit/dotnet.tar.xz.new" "$kit/dotnet.tar.xz"
  echo "$version" >"$kit/dotnet.version"
}

pack_patchkit() {
  echo "Packing the published build, the tests and lib/Native."
  # The tests' build goes to tests-bin; libtorch, what a GPU machine builds itself, translated messages, and the
  # notebooks' kernel with the C# compiler stay here.
  tar -C "$home" -c --exclude='libpatchkit*.so' --exclude='*.pdb' --exclude='*.xml' --exclude='*.resources.dll' \
    --exclude='libtorch*.so' --exclude='libc10*.so' --exclude='libgomp-*' --exclude='lib*_backend.so' \
    --exclude='libaoti_custom_ops.so' --exclude='libbackend_with_compiler.so' --exclude='libjitbackend_test.so' \
    --exclude='bin/csnotebook*' --exclude='bin/Microsoft.CodeAnalysis*' --exclude='bin/System.Composition*' \
    --exclude=bin/Humanizer.dll --exclude=bin/Markdig.dll --exclude=environment/kernel \
    --transform='s,^build/dotnet/bin/PatchKit.Tests/release,tests-bin,' \
    PatchKit.csproj bin environment lib/Native tests/fixtures build/dotnet/bin/PatchKit.Tests/release |
    xz -9 >"$kit/patchkit.tar.xz"
}

# Images are packed already, or nearly so.
pack_data() {
  echo "Packing the images of $images."
  rm -rf "$data"
  mkdir -p "$data"
  tar -C "$images" -c . | xz -T0 -6 | split -b 32M -d - "$data/part-"
  (cd "$data" && sha256sum part-*) >"$kit/data-checksums"
  echo "build/gpu-data/ holds $(du -sm "$data" | cut -f1) MB in $(find "$data" -name 'part-*' | wc -l) parts:" \
    "carry one at a time."
}

check_size() {
  local kit_size tracked
  kit_size=$(du -sm --apparent-size "$kit" | cut -f1)
  tracked=$(cd "$home" && git ls-files -z 2>/dev/null | du -cm --apparent-size --files0-from=- 2>/dev/null |
    tail -n 1 | cut -f1)
  echo "build/gpu-kit/ holds $kit_size MB; the tracked files, should they travel with it, ${tracked:-0} MB."
  if ((kit_size >= 60)); then fail "the kit may hold less than 60 MB; leave something out of pack_patchkit."; fi
}

# == running: on the CUDA machine ======================================================================================

prepare() {
  [[ -e $kit/patchkit.tar.xz ]] ||
    fail "$kit is missing or empty; run 'dotnet.sh pack' where .NET is, and carry the folder along."
  mkdir -p "$work"
  local wanted
  wanted=$(cat "$kit"/*.tar.xz | sha256sum)
  if [[ $(cat "$work/unpacked" 2>/dev/null) != "$wanted" ]]; then
    [[ ! -d $work/runs ]] || tar -C "$work" -czf "$kept_runs" runs
    rm -rf "$work"
    mkdir -p "$work/dotnet"
    tar -C "$work" -xJf "$kit/patchkit.tar.xz"
    tar -C "$work/dotnet" -xJf "$kit/dotnet.tar.xz"
    echo "$wanted" >"$work/unpacked"
  fi
  if [[ ! -d $work/runs && -e $kept_runs ]]; then tar -C "$work" -xzf "$kept_runs"; fi
  unpack_images
  export DOTNET_ROOT=$work/dotnet PATH=$work/dotnet:$PATH
  choose_torch
  source "$work/environment/env.sh"
  export PATCHKIT_LAUNCHER=1 NO_COLOR=1
}

# Once all parts are here, which may have come one by one.
unpack_images() {
  [[ ! -d $work/data && -e $kit/data-checksums ]] || return 0
  (cd "$data" 2>/dev/null && sha256sum --quiet -c "$kit/data-checksums" 2>/dev/null) || return 0
  mkdir -p "$work/data.new"
  cat "$data"/part-* | tar -C "$work/data.new" -xJ
  mv "$work/data.new" "$work/data"
}

# The libtorch that TorchSharp's natives take, as env.sh tells the loader.
choose_torch() {
  PATCHKIT_LIBTORCH=$home/bin
  if [[ $device != cpu || ! -e $PATCHKIT_LIBTORCH/libtorch_cpu.so ]]; then
    PATCHKIT_LIBTORCH=$(python3 -c 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), "lib"))') ||
      fail "python3 cannot import torch here; --cpu rehearses with the libtorch of a checkout that is set up."
  fi
  export PATCHKIT_LIBTORCH
}

# run_step NAME SECONDS: runs one step in a shell of its own, with its output in a log, and reports it.
run_step() {
  local name=$1 seconds=$2 started=$SECONDS code=0
  echo "== $name"
  (
    cd "$work"
    export -f "step_$name" sizes record
    export work device seeds budget limit=$seconds
    timeout --kill-after=5 "$seconds" bash -euo pipefail -c "step_$name"
  ) >"$work/$name.log" 2>&1 || code=$?
  tail -n 40 "$work/$name.log"
  write_report "$name" "$code" "$((SECONDS - started))"
  case $code in
    0) ;;
    66) echo "Not run: what $name reads is not here." ;;
    75) echo "Not finished: run $name again, and it goes on from here." ;;
    *) failed=yes ;;
  esac
}

skip_step() {
  echo "== $1: not run, no time was left; run it by its name."
  write_report "$1" not-run 0
}

write_report() {
  python3 - "$report" "$work" "$device" "$@" <<'PYTHON'
import glob, json, os, platform, re, subprocess, sys, time

report, work, device, name, code, seconds = sys.argv[1:]

def output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""

def machine():
    facts = {"cpu": platform.machine(), "cores": os.cpu_count(), "device": device}
    facts["libtorch"] = os.environ["PATCHKIT_LIBTORCH"]
    facts["gpu"] = output("nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader")
    facts["nvcc"] = output("nvcc", "--version").rpartition("\n")[2]
    if device == "cuda":
        versions = "import torch; print(torch.__version__, torch.cuda.is_available())"
        facts["torch"] = output(sys.executable, "-c", versions)
    return facts

def tests():
    heads = []
    for part in glob.glob(os.path.join(work, name + "*.xml")):
        with open(part, encoding="utf-8") as file:
            heads.append(re.search("<assembly [^>]*>", file.read()).group())
    if not heads:
        raise OSError
    count = lambda key: sum(int(re.search(f' {key}="([0-9]+)"', head).group(1)) for head in heads)
    return {key: count(key) for key in ("passed", "failed", "skipped", "errors")}

entry = {"step": name, "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
if code == "not-run":
    entry["result"] = "not run"
else:
    entry["result"] = "ok" if code == "0" else "stopped at its time limit" if code in ("124", "137") else \
        "unfinished, goes on when it is run again" if code == "75" else \
        "not run, what it reads is not here" if code == "66" else "failed"
    entry["exit_code"], entry["seconds"] = int(code), int(seconds)
    with open(os.path.join(work, name + ".log"), encoding="utf-8", errors="replace") as file:
        entry["output"] = file.read().splitlines()[-200:]
    measured = os.path.join(work, name + ".json")
    if code == "0" and os.path.exists(measured):
        with open(measured, encoding="utf-8") as file:
            entry["measured"] = json.load(file)
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

# Few files, however many steps there are: such a folder may be limited in files.
copy_out() {
  if [[ -d $work/runs ]]; then
    mkdir -p "$work/recorded"
    (cd "$work" && find runs recorded -type f \( -name '*.json' -o -name '*.jsonl' -o -name '*.md' \) -print0) |
      tar -C "$work" -czf "$kept_runs" --null -T -
  fi
  if [[ -n ${OUT:-} ]]; then
    cp "$report" "$OUT/"
    (cd "$work" && find . -maxdepth 1 -name '*.log' -print0 | tar -czf "$OUT/gpu-logs.tar.gz" --null -T -)
    if [[ -e $kept_runs ]]; then cp "$kept_runs" "$OUT/"; fi
  fi
}

main() {
  local wanted=() minutes=9 everything="" name left remaining
  failed="" images=""
  if [[ ${1:-} == pack ]]; then
    if [[ ${2:-} == --data ]]; then
      images=${3:-}
      [[ -d $images ]] || fail "'$images' is no folder; --data takes the one that holds the images."
    fi
    pack
    return
  fi
  while (($#)); do
    case $1 in
      steps) echo "${steps[*]}"; return ;;
      all) wanted=("${steps[@]}") everything=yes ;;
      --cpu) device=cpu ;;
      --minutes) minutes=${2:-}; shift ;;
      --seeds) seeds=${2:-}; shift ;;
      --budget) budget=${2:-}; shift ;;
      *)
        [[ " ${steps[*]} " == *" $1 "* ]] || fail "'$1' is no step; the steps are: ${steps[*]}, or pack, or all."
        wanted+=("$1")
        ;;
    esac
    shift
  done
  ((${#wanted[@]})) || fail "name a step (${steps[*]}), or all, or pack."
  prepare
  step_limit=$((step_limit - SECONDS - 15)) # what unpacking took, and writing the report will
  for name in "${wanted[@]}"; do
    left=$step_limit
    remaining=$((minutes * 60 - SECONDS))
    if [[ -n $everything ]]; then left=$((remaining < step_limit ? remaining : step_limit)); fi
    if ((left < 10)); then skip_step "$name"; else run_step "$name" "$left"; fi
    copy_out # at once: whatever ends this call later, what is in $OUT comes back
  done
  echo "The report is $report."
  [[ -z $failed ]]
}

main "$@"
