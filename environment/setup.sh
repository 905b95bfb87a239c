#!/usr/bin/env bash
# Sets PatchKit up: installs what is missing, builds lib/Native and the C# projects, leaves launchers in bin/.
# Run it as often as you like: it does only what is not done yet, and says nothing but one line when that is nothing.
#
#   setup.sh                    with the libtorch of the last run, at first the one for CPUs
#   setup.sh --device cuda      with TorchSharp's libtorch for NVIDIA's GPUs, several GB; remembered for later runs
#   setup.sh --device cpu       back to the one for CPUs
#   setup.sh --dotnet-interactive   also the tool .NET Interactive, as a second kernel of Jupyter's: dotnet-interactive
#   setup.sh --no-build         builds nothing, in a folder that is set up: for --dotnet-interactive alone
#   setup.sh --vscode           also builds the extension for VS Code, and installs it where code or code-server is
#                               found
#   setup.sh --packages-only    the system's packages and nothing else (for the Dockerfile)
#
# Where no C++ compiler is and none can be installed, it says what is slower then, and goes on.
set -euo pipefail

home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$home"

# The programs that go to bin/ (project:assembly:launcher), and the projects with tests. Later parts add theirs.
programs=(environment/kernel/csnotebook.csproj:csnotebook:csnotebook PatchKit.csproj:PatchKit:patchkit)
test_projects=(tests/PatchKit.Tests.csproj tests/Kernel/CsNotebook.Tests.csproj
  tests/Formatting/Formatting.Tests.csproj)
# The programs that are compiled for this processor beforehand, where the feed has the compiler for it: a notebook's
# first cell waits for Roslyn, 1.2 s instead of 2.1 s.
ahead_of_time=" csnotebook "

say() { echo "$*"; did_something=yes; }
fail() { echo "setup.sh: $*" >&2; exit 1; }

usage() {
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$home/environment/setup.sh"
}

parse_arguments() {
  device_wish=""
  packages_only=""
  interactive=""
  no_build=""
  extension=""
  while (($#)); do
    case $1 in
      --device)
        device_wish=${2:-}
        [[ $device_wish == cpu || $device_wish == cuda ]] || fail "--device is '$device_wish'; it takes cpu or cuda."
        shift
        ;;
      --packages-only) packages_only=yes ;;
      --dotnet-interactive) interactive=yes ;;
      --no-build) no_build=yes ;;
      --vscode) extension=yes ;;
      -h | --help) usage; exit 0 ;;
      *) fail "the argument '$1' is not known; see setup.sh --help." ;;
    esac
    shift
  done
}

# One setup at a time in this folder. The lock is file descriptor 9; builders run with 9>&- so that none outlives it.
take_lock() {
  mkdir -p build/log
  exec 9>build/setup.lock
  if command -v flock >/dev/null && ! flock -n 9; then
    echo "Another setup is at work in this folder; waiting for it."
    flock 9
  fi
}

# -- which libtorch ----------------------------------------------------------------------------------------------------

# Sets TorchDevice, which MSBuild reads from the environment: the package that brings libtorch.
choose_device() {
  # Here bin/ is filled below, from what was published (Directory.Build.targets).
  export FillBin=false
  export TorchDevice=${device_wish:-${TorchDevice:-$(cat build/torch-device 2>/dev/null || echo cpu)}}
  # As in Directory.Build.props.
  artifacts=build/dotnet
  if [[ $TorchDevice != cpu ]]; then artifacts+=-$TorchDevice; fi
}

remember_device() {
  if [[ $TorchDevice != "$(cat build/torch-device 2>/dev/null)" ]]; then echo "$TorchDevice" >build/torch-device; fi
}

# -- packages ----------------------------------------------------------------------------------------------------------

# The lines of packages.txt, as "package why".
wanted_packages() { sed -E '/^(#|$)/d' environment/packages.txt; }

is_installed() {
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# One call for all packages, as this runs each time; a second one per package only when something is missing.
all_installed() {
  local states
  # shellcheck disable=SC2046  # one word per package is what is wanted
  states=$(dpkg-query -W -f '${db:Status-Status}\n' $(wanted_packages | cut -d' ' -f1) 2>/dev/null) || return 1
  ! grep -qvx installed <<<"$states"
}

# Prints the command prefix that makes us root ("" when we are); fails when nothing does without a question.
root_prefix() {
  if [[ $(id -u) == 0 ]]; then
    echo ""
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    echo "sudo -n"
  else
    return 1
  fi
}

apt_install() {
  local root=$1
  shift
  # shellcheck disable=SC2086  # the prefix is two words or none
  $root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" \
    >>build/log/packages.log 2>&1 9>&-
}

has_candidates() {
  local package
  for package in "$@"; do
    [[ -n $(apt-cache policy "$package" 2>/dev/null | sed -n 's/^  Candidate: \([^(].*\)/\1/p') ]] || return 1
  done
}

install_packages() {
  local root package why missing=()
  root=$(root_prefix) || root=none
  while read -r package why; do
    if is_installed "$package"; then continue; fi
    missing+=("$package")
    if [[ $root != none ]]; then say "Installing $package: $why."; fi
  done < <(wanted_packages)

  if [[ $root == none ]]; then
    without_packages "these packages are missing and this user may not install them; run: sudo apt-get update &&" \
      "sudo apt-get install -y --no-install-recommends ${missing[*]}"
    return
  fi
  : >build/log/packages.log
  if has_candidates "${missing[@]}" && apt_install "$root" "${missing[@]}"; then return; fi
  # Package lists that are missing or out of date are the usual reason, so fetch them and try once more.
  # shellcheck disable=SC2086
  $root apt-get update >>build/log/packages.log 2>&1 9>&- || true
  if apt_install "$root" "${missing[@]}"; then return; fi
  tail -n 15 build/log/packages.log >&2
  without_packages "apt-get could not install ${missing[*]} (see above, or build/log/packages.log)"
}

# Goes on without packages: their tools may be here all the same (conda, a cluster's modules, another distribution), and
# nothing needs them.
without_packages() {
  local reason=$*
  if [[ $(cat build/packages-note 2>/dev/null) != "$reason" ]]; then
    say "Going on with what is here, although $reason."
    printf '%s' "$reason" >build/packages-note
  fi
}

# The tools that lib/Native and the guard are built with, of those that are not here, as one phrase.
missing_tools() {
  local tools=""
  command -v cmake >/dev/null || tools+=", cmake (3.25 or later)"
  command -v ninja >/dev/null || tools+=", ninja"
  command -v "$(compiler)" >/dev/null || tools+=", a C++17 compiler such as g++ 12"
  echo "${tools#, }"
}

ensure_packages() {
  if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
    all_installed || install_packages
  else
    without_packages "this is not Debian or Ubuntu, so nothing was installed (environment/packages.txt lists what" \
      "PatchKit uses)"
  fi
}

# -- fingerprints ------------------------------------------------------------------------------------------------------

digest() { sha256sum | cut -c1-12; }

# The contents of all files below the given paths, by name. find's own order differs between machines.
digest_of() {
  { find "$@" -type f ! -name '*.swp' ! -name '*~' -print0 2>/dev/null || true; } | LC_ALL=C sort -z |
    xargs -0r sha256sum | digest
}

compiler() { echo "${CXX:-c++}"; }

cpu_flags() { grep -m1 -E '^(flags|Features)' /proc/cpuinfo || uname -m; }

# Names the build of lib/Native: another compiler, nvcc or processor gets another folder, so that going back is instant
# and a tree that moved to another machine builds anew (kernels are compiled for the processor at hand).
native_key() {
  {
    "$(compiler)" --version | head -n1
    echo "${CUDACXX:-$(command -v nvcc /usr/local/cuda/bin/nvcc | head -n1)}"
    cpu_flags
  } | digest
}

# -- builds ------------------------------------------------------------------------------------------------------------

# Runs a builder with its output in a log; when it fails, shows the log's errors, or its end.
logged() {
  local name=$1 log=build/log/$1.log
  shift
  if "$@" >"$log" 2>&1 9>&-; then return; fi
  if ! grep -E 'error:|error [A-Z]+[0-9]+|CMake Error|FAILED' "$log" | sort -u | head -n 20 >&2; then
    tail -n 30 "$log" >&2
  fi
  fail "the step '$name' failed; the whole output is in $log."
}

# Puts a file in place only when it differs, and in one step: a process that runs the old one keeps the old one. The
# libraries of libtorch, hundreds of megabytes, become a second name of the same file; nobody writes into them.
put() {
  local from=$1 to=$2
  if [[ $from -ef $to ]]; then return; fi
  if is_large "$from"; then
    mkdir -p "$(dirname "$to")"
    if ln -f "$from" "$to.new.$$" 2>/dev/null; then
      mv -f "$to.new.$$" "$to"
      did_something=yes
      return
    fi
  fi
  if cmp -s "$from" "$to"; then return; fi
  mkdir -p "$(dirname "$to")"
  cp "$from" "$to.new.$$"
  mv -f "$to.new.$$" "$to"
  did_something=yes
}

is_large() { (($(stat -c %s "$1") > 16000000)); }

# Where lib/Native cannot be built, tensor operators, ImageSharp and C# do its work.
without_native() {
  local missing=$1 target note
  for target in bin $artifacts/bin/PatchKit.Tests/release; do rm -f "$target"/libpatchkit*.so; done
  note="Everything works without $missing, some of it slower: bin/patchkit doctor says what."
  if [[ $(cat build/native-note 2>/dev/null) != "$note" || -n $did_something ]]; then
    say "$note"
    printf '%s' "$note" >build/native-note
  fi
}

build_native() {
  local folder=$1 sources=$2
  # CMake refuses a folder that was configured when the tree lay elsewhere.
  if ! grep -qsx "CMAKE_HOME_DIRECTORY:INTERNAL=$home/lib/Native" "$folder/CMakeCache.txt"; then rm -rf "$folder"; fi
  mkdir -p "$folder"
  rm -f "$folder"/libpatchkit*.so
  logged cmake cmake -S lib/Native -B "$folder" -G Ninja
  logged native cmake --build "$folder"
  echo "$sources" >"$folder/built-from"
}

place_native() {
  local folder=$1 target library
  rm -f build/native-note
  # Beside the tests' copy of PatchKit.dll too, so that an editor can run them. Not every machine has what
  # libpatchkit_gloo and libpatchkit_cuda are made of; one of an earlier build would not fit this one.
  for target in bin $artifacts/bin/PatchKit.Tests/release; do
    if [[ ! -d $target ]]; then continue; fi
    for library in "$target"/libpatchkit*.so; do
      if [[ ! -e $folder/${library##*/} ]]; then rm -f "$library"; fi
    done
    for library in "$folder"/libpatchkit*.so; do put "$library" "$target/${library##*/}"; done
  done
}

dotnet_sources() {
  {
    digest_of PatchKit.csproj Directory.*.props packages.lock.json .editorconfig lib environment/kernel \
      environment/torchsharp tests \
      -not -path 'lib/Native/*'
    "$dotnet" --version
    echo "${programs[@]}" "${test_projects[@]}" "$TorchDevice"
    if command -v "$(compiler)" >/dev/null; then echo guard; fi
    # A build names its commit, or says that its sources were changed: committing them makes it anew.
    if [[ -n $(git status --porcelain -- lib PatchKit.csproj Directory.*.props 2>/dev/null) ]]; then echo modified; fi
  } | digest
}

# MSBuild and the compiler may leave servers behind that outlive us; on a shared machine or in CI that is a nuisance.
dotnet_verb() {
  local log=$1 verb=$2
  shift 2
  DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 logged "$log" \
    "$dotnet" "$verb" "$@" -nodeReuse:false -p:UseSharedCompilation=false --nologo
}

# Packages come in the versions and with the contents that the packages.lock.json files name, from whatever feed this
# machine has. A lock file that no longer fits its project is written anew, except in CI, where it was forgotten.
restore() {
  local project=$1 log=build/log/restore.log
  shift
  # cuda's lock files lie with its build.
  if [[ $TorchDevice == cpu && -e $(dirname "$project")/packages.lock.json ]]; then
    if "$dotnet" restore "$project" --locked-mode -nodeReuse:false "$@" >"$log" 2>&1 9>&-; then return; fi
    if ! grep -q NU1004 "$log"; then
      grep -E 'error' "$log" | sort -u | head -n 10 >&2 || tail -n 20 "$log" >&2
      fail "the packages of $project could not be restored; the whole output is in $log."
    elif [[ -n ${CI:-} ]]; then
      fail "packages.lock.json does not fit $project: run environment/setup.sh and commit the file with the change."
    fi
    say "The packages of $project changed; its packages.lock.json is written anew, commit it with the change."
  fi
  dotnet_verb restore restore "$project" --force-evaluate "$@"
}

publish_ahead_of_time() {
  local project=$1 assembly=$2 rid
  case $(uname -m) in x86_64) rid=linux-x64 ;; aarch64) rid=linux-arm64 ;; *) return 1 ;; esac
  if "$dotnet" publish "$project" -c Release -r "$rid" --self-contained false -p:PublishReadyToRun=true \
    -p:UseAppHost=false -o "build/publish/$assembly" -nodeReuse:false -p:UseSharedCompilation=false --nologo \
    >"build/log/publish-$assembly.log" 2>&1 9>&-; then return; fi
  rm -rf "build/publish/$assembly"
  return 1
}

build_dotnet() {
  local program project assembly launcher
  if [[ $(cat build/dotnet-built-from 2>/dev/null) == "$(dotnet_sources)" ]]; then return; fi
  if ! "$dotnet" --list-sdks | grep -q '^1[0-9]\.'; then
    fail "$dotnet has no .NET 10 SDK, only: $("$dotnet" --list-sdks | cut -d' ' -f1 | tr '\n' ' ')." \
      "Install it from https://dotnet.microsoft.com/download/dotnet/10.0."
  fi
  # The SDK stops where the ICU library is missing, unless told that cultures do not matter; here they do not.
  if ! /sbin/ldconfig -p 2>/dev/null | grep -q libicuuc; then
    export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=${DOTNET_SYSTEM_GLOBALIZATION_INVARIANT-1}
  fi
  say "Building the C# projects."
  for project in "${test_projects[@]}"; do
    local without=()
    # The oracle of these tests is a discontinued package; where the feed has it no longer, they are skipped.
    if [[ $project == tests/Formatting/* ]] &&
      ! "$dotnet" restore "$project" -nodeReuse:false >build/log/oracle.log 2>&1 9>&-; then
      without=(-p:RealFormatting=false)
    fi
    restore "$project" "${without[@]}"
    dotnet_verb "$(basename "$project" .csproj)" build "$project" -c Release --no-restore "${without[@]}"
  done
  for program in "${programs[@]}"; do
    IFS=: read -r project assembly launcher <<<"$program"
    rm -rf "build/publish/$assembly"
    if [[ $ahead_of_time == *" $assembly "* ]] && publish_ahead_of_time "$project" "$assembly"; then continue; fi
    restore "$project"
    dotnet_verb "publish-$assembly" publish "$project" -c Release --no-restore -o "build/publish/$assembly" \
      -p:UseAppHost=false
  done
  dotnet_sources >build/dotnet-built-from
}

# Copies what was published to bin/, the first program's where two have the same file, and removes what an earlier
# version had published and this one does not.
fill_bin() {
  local program project assembly launcher file listing=build/publish/listing
  : >$listing.new
  for program in "${programs[@]}"; do
    IFS=: read -r project assembly launcher <<<"$program"
    while IFS= read -r file; do
      if grep -qxF "$file" $listing.new; then continue; fi
      put "build/publish/$assembly/$file" "bin/$file"
      echo "$file" >>$listing.new
    done < <(find "build/publish/$assembly" -type f -printf '%P\n')
    write_launcher "$launcher" "\$home/bin/$assembly.dll"
  done
  if [[ -e $listing ]]; then
    while IFS= read -r file; do rm -f "bin/$file"; done < <(grep -vxFf $listing.new $listing)
  fi
  mv $listing.new $listing
}

write_launcher() {
  local launcher=$1 program=$2
  cat >build/launcher <<LAUNCHER
#!/usr/bin/env bash
# Written by environment/setup.sh: runs ${program##*/} with the settings of environment/env.sh.
set -euo pipefail
home=\$(dirname "\$(dirname "\$(readlink -f "\${BASH_SOURCE[0]}")")")
source "\$home/environment/env.sh"
dotnet=\$(patchkit_dotnet)
export PATCHKIT_LAUNCHER=1
exec "\$dotnet" "$program" "\$@"
LAUNCHER
  chmod +x build/launcher
  put build/launcher "bin/$launcher"
  chmod +x "bin/$launcher"
}

# The tool and its kernel's folder. What the tool's own `jupyter install` writes starts `dotnet interactive`, which is
# found in this folder alone, and lets every network interface read the session's variables.
install_interactive() {
  local tool=microsoft.dotnet-interactive version packages program kernel root
  "$dotnet" tool restore >build/log/tools.log 2>&1 9>&- || {
    tail -n 5 build/log/tools.log >&2
    fail "the tools of .config/dotnet-tools.json could not be restored; the whole output is in build/log/tools.log."
  }
  version=$(sed -n "/\"$tool\"/,/}/s/.*\"version\": *\"\([^\"]*\)\".*/\1/p" .config/dotnet-tools.json)
  packages=$("$dotnet" nuget locals global-packages --list | sed 's/^global-packages: *//')
  program=$(find "${packages%/}/$tool/$version/tools" -name Microsoft.DotNet.Interactive.App.dll | head -n 1)
  [[ -n $program ]] || fail "$tool $version was restored, but its program is not in $packages."
  write_launcher dotnet-interactive "$program"
  kernel=${JUPYTER_DATA_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/jupyter}/kernels/dotnet-interactive
  cat >build/kernel.json <<KERNEL
{
  "argv": [
    "$home/bin/dotnet-interactive", "jupyter", "--default-kernel", "csharp", "--http-local-only", "{connection_file}"
  ],
  "display_name": "C# (.NET Interactive)",
  "language": "C#",
  "env": { "DOTNET_INTERACTIVE_CLI_TELEMETRY_OPTOUT": "1" }
}
KERNEL
  put build/kernel.json "$kernel/kernel.json"
  # What executes notebooks from the command line; without it there are VS Code and JupyterLab.
  if ! command -v jupyter-nbconvert >/dev/null && command -v apt-get >/dev/null && root=$(root_prefix); then
    say "Installing jupyter-nbconvert: executes notebooks in a kernel."
    apt_install "$root" jupyter-nbconvert ||
      say "Going on without jupyter-nbconvert, which apt-get could not install (see build/log/packages.log)."
  fi
}

# -- the extension for VS Code -----------------------------------------------------------------------------------------

build_extension() {
  local folder=environment/vscode vsix=environment/vscode/dist/patchkit-notebooks.vsix sources version editor
  version=$(node --version 2>/dev/null) || version=none
  if ! command -v npm >/dev/null || ! [[ $version =~ ^v(2[0-9]|[3-9][0-9]) ]]; then
    fail "the extension is built by npm and Node.js 20 or later; here Node.js is: $version. Install them, or take a" \
      "patchkit-notebooks.vsix from a machine that has them. All but the extension is set up."
  fi
  sources=$(digest_of $folder -not -path '*/node_modules/*' -not -path '*/dist/*')
  if [[ $(cat build/extension-built-from 2>/dev/null) != "$sources" || ! -e $vsix ]]; then
    say "Building the extension for VS Code."
    # What packages do when they are installed is not needed here, so it is not done.
    logged npm npm ci --prefix $folder --ignore-scripts
    logged extension npm run --prefix $folder package
    echo "$sources" >build/extension-built-from
  fi
  while IFS= read -r editor; do install_extension "$editor" "$vsix" "$sources"; done < <(editors)
  if [[ -n $did_something ]]; then
    echo "The extension is $vsix ($(($(stat -c %s $vsix) / 1024)) KB); where it is not installed by now, VS Code's" \
      "'Extensions: Install from VSIX...' does it."
  fi
}

# The commands that install extensions: VS Code's and code-server's, and in a container those of VS Code's server, which
# are not on the path while the container is made.
editors() {
  local file
  for file in code code-server; do command -v $file || true; done
  for file in "${HOME:-/root}"/.vscode-server/bin/*/bin/code-server /vscode/vscode-server/bin/*/*/bin/code-server \
    /vscode/bin/*/*/bin/code-server; do
    if [[ -x $file ]]; then echo "$file"; fi
  done
}

# A failure is told and is no reason to stop: VS Code refuses its command as root, for instance.
install_extension() {
  local editor=$1 vsix=$2 sources=$3 note
  note=build/extension-in-$(digest <<<"$editor")
  if [[ $(cat "$note" 2>/dev/null) == "$sources" ]]; then return; fi
  say "Installing the extension by $editor."
  if "$editor" --install-extension "$vsix" --force >build/log/install-extension.log 2>&1 9>&- </dev/null; then
    echo "$sources" >"$note"
  else
    echo "It did not take it: $(tail -n 1 build/log/install-extension.log)"
  fi
}

# lib/Native beside the C# projects, which leave processors idle.
build() {
  local missing folder sources native=""
  missing=$(missing_tools)
  if [[ -z $missing ]]; then
    folder=build/native-$(native_key)
    sources=$(digest_of lib/Native)
    if [[ $(cat "$folder/built-from" 2>/dev/null) != "$sources" || ! -e $folder/libpatchkit.so ]]; then
      say "Building lib/Native."
      build_native "$folder" "$sources" &
      native=$!
    fi
  fi
  build_dotnet
  fill_bin
  if [[ -n $native ]]; then wait "$native" || exit 1; fi
  if [[ -n $missing ]]; then without_native "$missing"; else place_native "$folder"; fi
  remember_device
}

main() {
  parse_arguments "$@"
  did_something=""
  take_lock
  choose_device
  if [[ -z $no_build ]]; then ensure_packages; fi
  if [[ -n $packages_only ]]; then return; fi
  dotnet=$(bash -c 'source environment/env.sh; patchkit_dotnet') || exit 1
  if [[ -z $no_build ]]; then build; fi
  if [[ -n $interactive ]]; then install_interactive; fi
  if [[ -n $extension ]]; then build_extension; fi
  if [[ -z $did_something ]]; then
    echo "PatchKit is set up; nothing to do."
  else
    echo "PatchKit is ready: try bin/patchkit doctor."
  fi
}

main "$@"
