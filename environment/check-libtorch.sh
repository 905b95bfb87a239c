#!/usr/bin/env bash
# Proves that lib/Native builds and runs unchanged against the libtorch of another Debian suite: fetches that suite's
# packages into build/libtorch-SUITE, builds the bridge there with that suite's compiler and loader, trains the small
# float64 MLP of `patchkit doctor --losses`, and compares its 20 losses with those of this machine's libtorch.
# The machine's own packages, libraries and package sources stay as they are. Needs about 2 GB of disk.
#
#   check-libtorch.sh trixie|sid [--refresh] [--tests]
#     --refresh                     fetches the suite anew
#     --tests                       runs the engine tests there as well
#     PATCHKIT_DEBIAN_MIRROR=URL    another mirror than the one that this machine's own Debian packages come from
#
# How: the packages are unpacked, not installed, so no package script runs. The C library there is newer than this
# machine's, so everything runs in a chroot, in a mount namespace of its own: nothing has to be cleaned up, whatever
# happens. The .NET runtime and this repository are bind-mounted into it, read-only.
set -euo pipefail

home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$home"
tolerance=1e-5

say() { echo "$*"; }
fail() { echo "check-libtorch.sh: $*" >&2; exit 2; }

parse_arguments() {
  suite="" refresh="" tests=""
  while (($#)); do
    case $1 in
      --refresh) refresh=yes ;;
      --tests) tests=yes ;;
      [a-z]*) suite=$1 ;;
      *) fail "the argument '$1' is not known: name a Debian suite, then --refresh or --tests." ;;
    esac
    shift
  done
  [[ $suite =~ ^[a-z]+$ ]] || fail "name a Debian suite, such as trixie or sid."
  prefix=$home/build/libtorch-$suite
  apt=$prefix.apt
  log=$home/build/log/check-libtorch-$suite.log
  mkdir -p build/log
  : >"$log"
}

# -- fetching ----------------------------------------------------------------------------------------------------------

# Where Debian's packages come from: as the user says, else as this machine's apt does.
mirror() {
  local found=${PATCHKIT_DEBIAN_MIRROR:-}
  if [[ -z $found ]]; then
    # shellcheck disable=SC2016  # apt's own variable
    found=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m1 '/debian/*$' || true)
  fi
  [[ -n $found ]] || fail "this machine's package sources name no Debian mirror; give one as PATCHKIT_DEBIAN_MIRROR=URL."
  echo "$found"
}

# An apt that knows one suite and nothing installed, and leaves the machine's apt alone. Of the machine's settings it
# takes over how to reach the network, and whether release files may be past their date (a machine behind a frozen
# mirror says so in its apt.conf; elsewhere such a file is refused). Signatures are always verified.
configure_apt() {
  local keys=/usr/share/keyrings/debian-archive-keyring.gpg source
  command -v apt-get >/dev/null || fail "apt-get is needed to fetch Debian's packages; run this on Debian or Ubuntu."
  [[ -e $keys ]] || fail "$keys is missing, so Debian's packages cannot be verified; install debian-archive-keyring."
  mkdir -p "$apt"/{lists/partial,cache/archives/partial}
  : >"$apt/status"
  source=$(mirror)
  echo "deb [signed-by=$keys] $source $suite main" >"$apt/sources.list"
  {
    cat <<APT
Dir::State "$apt";
Dir::State::Lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Etc::Main "/dev/null";
Dir::Etc::Parts "/dev/null";
Dir::Etc::SourceList "$apt/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Debug::NoLocking "true";
APT
    apt-config dump | grep -E '^Acquire::(https?::|ForceIPv|Check-Valid-Until|Check-Date)' || true
  } >"$apt/apt.conf"
}

private_apt() { APT_CONFIG=$apt/apt.conf "$@" >>"$log" 2>&1; }

# The packages of packages.txt, and what apt takes for granted on a running system.
packages() {
  sed -E '/^#/d;/^$/d;s/ .*//' environment/packages.txt
  echo base-files bash coreutils dash grep gzip libc-bin sed
}

fetch() {
  local package_list
  if [[ -n $refresh ]]; then rm -rf "$prefix" "$apt"; fi
  if [[ -e $prefix/fetched ]]; then
    say "Using Debian $suite as fetched before: $(<"$prefix/fetched")."
    return
  fi
  say "Fetching Debian $suite's libtorch, compiler and tools (about 300 MB)."
  rm -rf "$prefix"
  configure_apt
  private_apt apt-get update || fail "the package lists of Debian $suite could not be fetched: $(grep -m1 -E '^(E|W):' "$log"); see $log."
  read -ra package_list < <(packages | paste -sd' ')
  private_apt apt-get install -y --download-only "${package_list[@]}" ||
    fail "the packages of Debian $suite could not be fetched: $(grep -m1 '^E:' "$log"); see $log."
  unpack
  echo "libtorch $(package_version libtorch-dev), g++ $(package_version g++), libc $(package_version libc6)" \
    >"$prefix/fetched"
  rm -rf "$apt"
  say "Fetched $(<"$prefix/fetched")."
}

# The version in the name of the downloaded file, with its epoch's colon written as it should be.
package_version() {
  local file
  file=$(find "$apt/cache/archives" -name "${1}_*.deb" -printf '%f\n' | head -n 1)
  file=${file#*_}
  file=${file%_*}
  echo "${file/\%3a/:}"
}

unpack() {
  local package folder
  mkdir -p "$prefix"/{usr/{bin,sbin,lib,lib64},proc,sys,dev,tmp,run,patchkit,native,dotnet}
  for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$prefix/$folder"; done
  for package in "$apt"/cache/archives/*.deb; do
    # No owners and no special bits: this is a folder to read from, whoever unpacks it.
    dpkg-deb --fsys-tarfile "$package" | tar -x -C "$prefix" --no-same-owner --no-same-permissions \
      --keep-directory-symlink --exclude=./usr/share/doc --exclude=./usr/share/man --exclude=./usr/share/locale ||
      fail "$(basename "$package") could not be unpacked."
  done
}

# -- running there -----------------------------------------------------------------------------------------------------

# Runs a bash script in the suite. A mount namespace needs root, or a kernel that lets users have their own.
inside() {
  local namespace=(unshare --mount)
  if [[ $(id -u) != 0 ]]; then namespace+=(--user --map-root-user); fi
  # shellcheck disable=SC2016  # its own arguments
  "${namespace[@]}" bash -euc '
    prefix=$1 dotnet=$2 home=$3 script=$4
    for folder in proc sys dev; do mount --rbind "/$folder" "$prefix/$folder"; done
    mount --bind "$home" "$prefix/patchkit"
    mount -o remount,bind,ro "$prefix/patchkit"
    mount --bind "$dotnet" "$prefix/dotnet"
    mount -o remount,bind,ro "$prefix/dotnet"
    exec chroot "$prefix" /usr/bin/env -i HOME=/tmp PATH=/usr/sbin:/usr/bin DOTNET_ROOT=/dotnet CXX=g++ CC=gcc \
      TORCH_HOME= /usr/bin/bash -euc "$script"
  ' bash "$prefix" "$dotnet" "$home" "$1"
}

check_namespace() {
  local reason
  if ! reason=$(inside true 2>&1); then
    fail "this machine lets us make no chroot with mounts of its own (${reason##*$'\n'}); run this as root, or where" \
      "unprivileged user namespaces are allowed."
  fi
}

build_there() {
  say "Building lib/Native in Debian $suite."
  # shellcheck disable=SC2016  # expanded in there
  inside '
    ldconfig
    source /patchkit/environment/env.sh
    cmake -S /patchkit/lib/Native -B /native -G Ninja
    cmake --build /native
  ' >>"$log" 2>&1 || {
    grep -E 'error|Error' "$log" | head -n 20 >&2
    fail "lib/Native does not build against Debian $suite's libtorch; the whole output is in $log."
  }
  grep -m1 -E '^-- libtorch:' "$log" | sed 's/^-- /Built against /' || true
}

# Runs a .NET program of this repository in there, with the bridge that was built there.
dotnet_there() {
  # shellcheck disable=SC2016
  inside '
    source /patchkit/environment/env.sh
    export PATCHKIT_LAUNCHER=1 PATCHKIT_NATIVE=/native/libpatchkit.so
    /dotnet/dotnet /patchkit/'"$*"
}

# Which libtorch really runs, as doctor says it.
name_libtorch() { sed 's/\x1b\[[0-9;]*m//g' | sed -nE "s/^ok +libtorch +/$1: libtorch /p"; }

numbers() { grep -E '^[[:space:]]*-?[0-9][0-9.eE+-]*[[:space:]]*$' || true; }

compare() {
  local here=$1 there=$2
  paste <(numbers <"$here") <(numbers <"$there") | awk -v tolerance=$tolerance -v suite="$suite" '
    NF != 2 { bad = 1 }
    NF == 2 { d = $1 - $2; if (d < 0) d = -d; s = $1 < 0 ? -$1 : $1; r = s > 0 ? d / s : d; if (r > worst) worst = r }
    END {
      if (NR != 20 || bad) {
        printf "FAIL: 20 losses were expected from each side; see build/losses-here.txt and build/losses-%s.txt.\n", suite
        exit 1
      }
      verdict = worst <= tolerance ? "PASS" : "FAIL"
      printf "%s: the 20 losses with the libtorch of Debian %s and of this machine differ by at most %.2g relative (%.0e allowed).\n",
        verdict, suite, worst, tolerance
      exit worst > tolerance
    }'
}

main() {
  parse_arguments "$@"
  bash environment/setup.sh
  dotnet=$(bash -c 'source environment/env.sh; patchkit_dotnet')
  dotnet=$(dirname "$(readlink -f "$dotnet")")
  fetch
  check_namespace
  build_there
  bin/patchkit doctor | name_libtorch "This machine"
  dotnet_there bin/PatchKit.dll doctor | name_libtorch "Debian $suite"
  bin/patchkit doctor --losses >build/losses-here.txt || fail "patchkit doctor --losses failed on this machine."
  dotnet_there bin/PatchKit.dll doctor --losses >"build/losses-$suite.txt" ||
    fail "patchkit doctor --losses failed in Debian $suite; see build/losses-$suite.txt."
  compare build/losses-here.txt "build/losses-$suite.txt"
  if [[ -n $tests ]]; then
    say "Running the engine tests in Debian $suite."
    dotnet_there build/dotnet/bin/PatchKit.Tests/release/PatchKit.Tests.dll -noColor -noLogo
  fi
}

main "$@"
