# shellcheck shell=bash
# Sourced by fetch-cifar10.sh and fetch-cifar100.sh.

# Whether the files "NAME:SIZE ..." are all in a folder.
is_complete() { # FOLDER FILES
  local file
  for file in $2; do
    [[ $(stat -c %s "$1/${file%:*}" 2>/dev/null) == "${file#*:}" ]] || return 1
  done
}

fetch_cifar() { # NAME ARCHIVE MD5 FOLDER FILES [DIR]
  local name=$1 archive=$2 md5=$3 folder=$4 files=$5 target=${6:-$(default_folder)}
  case $target in
    -h | --help) usage; return ;;
    -*) fail "the option '$target' is not known; see $0 --help." ;;
  esac
  if is_complete "$target/$folder" "$files"; then
    echo "$target/$folder is there already."
    return
  fi
  if [[ -e $target/$folder ]]; then fail "$target/$folder is there but incomplete; move it away, then run this again."; fi
  mkdir -p "$target" || fail "$target cannot be made; name another folder, or set PATCHKIT_DATA."
  fetch "${PATCHKIT_CIFAR_URL:-https://www.cs.toronto.edu/~kriz}/$archive" "$target/$archive" "$md5"
  unpacked=$target/$folder.partial-$$
  trap 'rm -rf "$unpacked"' EXIT
  mkdir "$unpacked"
  tar -xzf "$target/$archive" -C "$unpacked" || fail "$target/$archive could not be unpacked into $target; is the disk full?"
  is_complete "$unpacked/$folder" "$files" || fail "$target/$archive does not hold the files of $name; delete it and run this again."
  mv "$unpacked/$folder" "$target/$folder"
  rm "$target/$archive"
  echo "$name is in $target/$folder."
}
