# shellcheck shell=bash
# Sourced by the scripts here: the default folder, fetching with resumption and a checksum, unpacking, counting.

fail() { echo "${0##*/}: $*" >&2; exit 1; }

# The comment at the head of a script is its usage text.
usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"; }

# Where sets lie when no folder is named.
default_folder() { echo "${PATCHKIT_DATA:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)/data}"; }

need() { # PROGRAM PACKAGE
  command -v "$1" >/dev/null || fail "the program '$1' is missing; install it (Debian/Ubuntu: apt install $2)."
}

has_md5() { # FILE MD5
  [[ $(md5sum <"$1") == "$2  -" ]]
}

# Fetches a file and goes on where an interrupted call stopped; FILE appears only when its checksum is right.
fetch() { # URL FILE MD5
  local url=$1 file=$2 md5=$3 partial=$2.partial quiet=(--silent --show-error) status=0
  if [[ -e $file ]] && has_md5 "$file" "$md5"; then return; fi
  need curl curl
  if [[ -t 2 ]]; then quiet=(--progress-bar); fi
  if ! { [[ -e $partial ]] && has_md5 "$partial" "$md5"; }; then
    echo "Fetching $url"
    curl --fail --location --retry 5 --connect-timeout 30 "${quiet[@]}" --continue-at - --output "$partial" "$url" || status=$?
    if ((status == 33 || status == 36)); then # the server cannot resume
      rm -f "$partial"
      status=0
      curl --fail --location --retry 5 --connect-timeout 30 "${quiet[@]}" --output "$partial" "$url" || status=$?
    fi
    ((status == 0)) || fail "$url could not be fetched (curl ended with $status); run this again to go on where it stopped, or fetch it elsewhere and put it at $file."
    if ! has_md5 "$partial" "$md5"; then
      rm -f "$partial"
      fail "$url has another MD5 sum than the published $md5; it was deleted, so run this again to fetch it anew."
    fi
  fi
  mv "$partial" "$file"
}

# The number of files with an ending right in a folder, or at any depth below it.
count() { # FOLDER ENDING [DEPTH]
  if [[ ! -d $1 ]]; then echo 0; return; fi
  find "$1" ${3:+-maxdepth "$3"} -type f -iname "*.$2" -printf . | wc -c
}

number() { printf "%'d" "$1"; }

# Compares a count; says what was found, and remembers in `failed` that something is wrong.
expect() { # WHAT FOUND WANTED
  if (($2 == $3)); then
    echo "ok       $1: $(number "$2")"
  else
    echo "WRONG    $1: $(number "$2"), but $(number "$3") are expected"
    failed=yes
  fi
}

verdict() { # FOLDER NAME
  if [[ -n ${failed:-} ]]; then fail "$1 is not a complete $2; fetch or unpack what is missing (${0##*/} --help)."; fi
  echo "$1 is a complete $2."
}
