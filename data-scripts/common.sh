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
  local url=$1 file=$2 md5=$3 partial=$2.partial
  if [[ -e $file ]] && has_md5 "$file" "$md5"; then return; fi
  if ! { [[ -e $partial ]] && has_md5 "$partial" "$md5"; }; then
    need curl curl
    echo "Fetching $url"
    download "$url" "$partial" || fail "$url could not be fetched; run this again to go on where it stopped, or fetch it elsewhere and put it at $file."
    if ! has_md5 "$partial" "$md5"; then
      rm -f "$partial"
      fail "$url has another MD5 sum than the published $md5; what was fetched is deleted, so run this again."
    fi
  fi
  mv "$partial" "$file"
}

download() { # URL FILE
  local options=(--fail --location --retry 5 --connect-timeout 30 --output "$2") status=0 code
  if [[ -t 2 ]]; then options+=(--progress-bar); else options+=(--silent --show-error); fi
  code=$(curl "${options[@]}" --continue-at - --write-out '%{http_code}' "$1") || status=$?
  # 33: the server cannot resume. 416: there is nothing after what is here, which is no whole file.
  if ((status == 33)) || [[ $code == 416 ]]; then
    rm -f "$2"
    status=0
    curl "${options[@]}" "$1" || status=$?
  fi
  return "$status"
}

# The number of files with an ending right in a folder, or at any depth below it.
count() { # FOLDER ENDING [DEPTH]
  if [[ ! -d $1 ]]; then echo 0; return; fi
  find "$1" ${3:+-maxdepth "$3"} -type f -iname "*.$2" -printf . | wc -c
}

# 1281167 as 1,281,167
number() { sed -E ':again; s/([0-9])([0-9]{3})(,|$)/\1,\2\3/; t again' <<<"$1"; }

# The first name that is in only one of two lists.
first_difference() { # LIST LIST
  { diff "$1" "$2" || true; } | sed -n '/^[<>] /{s///p;q}'
}

# Compares a count; says what was found, and remembers in `failed` that something is wrong.
expect() { # WHAT FOUND WANTED
  if (($2 == $3)); then
    echo "ok       $1: $(number "$2")"
  else
    echo "WRONG    $1: $(number "$2"), but $(number "$3") are expected"
    failed=yes
  fi
}

# What may not be fetched from here is checked where it lies already; else its terms and its way are said, and where it would go.
how_or_check() { # DIR PART
  if [[ -e $1 && ! -d $1 ]]; then fail "$1 is a file, where a folder is wanted; name another."; fi
  if [[ -d $1/$2 ]]; then check "$1"; return; fi
  usage
  echo
  echo "DIR is $1, where no $2/ is yet."
}

verdict() { # FOLDER NAME
  if [[ -n ${failed:-} ]]; then fail "$1 is not a complete $2; fetch or unpack what is missing (${0##*/} --help)."; fi
  echo "$1 is a complete $2."
}
