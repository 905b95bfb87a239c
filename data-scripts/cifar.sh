# shellcheck shell=bash
# Sourced by fetch-cifar10.sh and fetch-cifar100.sh, which differ in names, sizes and checksums only.

is_complete() { # FOLDER
  local entry
  for entry in "${files[@]}"; do
    [[ $(stat -c %s "$1/${entry%:*}" 2>/dev/null) == "${entry#*:}" ]] || return 1
  done
}

fetch_cifar() { # [DIR]
  case ${1:-} in
    -h | --help) usage; return ;;
    -*) fail "the option '$1' is not known; see $0 --help." ;;
  esac
  local target=${1:-$(default_folder)}
  if is_complete "$target/$folder"; then
    echo "$target/$folder is there already."
    return
  fi
  mkdir -p "$target" || fail "$target cannot be made; name another folder, or set PATCHKIT_DATA."
  if [[ -e $target/$folder ]]; then fail "$target/$folder is there but incomplete; move it away, then run this again."; fi
  fetch "${PATCHKIT_CIFAR_URL:-https://www.cs.toronto.edu/~kriz}/$archive" "$target/$archive" "$md5"
  unpacked=$target/$folder.partial-$$
  trap 'rm -rf "$unpacked"' EXIT
  mkdir "$unpacked"
  tar -xzf "$target/$archive" -C "$unpacked" || fail "$target/$archive could not be unpacked into $target; is the disk full?"
  is_complete "$unpacked/$folder" || fail "$target/$archive does not hold the files of $set; delete it and run this again."
  mv "$unpacked/$folder" "$target/$folder"
  rm "$target/$archive"
  echo "$set is in $target/$folder."
}
