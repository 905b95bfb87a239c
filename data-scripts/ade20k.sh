#!/usr/bin/env bash
# ADE20K, the scene parsing benchmark (ADEChallengeData2016), is for non-commercial research and education under terms that you
# must accept yourself, so it is not fetched from here.
#
# 1. Read the terms at https://ade20k.csail.mit.edu/terms and fetch
#      http://data.csail.mit.edu/places/ADEchallenge/ADEChallengeData2016.zip   923 MB, SHA-1 219e1696abb36c8ba3a3afe7fb2f4b4606a897c7
# 2. Unpack it: unzip ADEChallengeData2016.zip -d DIR; DIR is PATCHKIT_DATA, or data/ of this checkout.
# 3. Check the result: 20,210 images and annotations in training/, 2,000 in validation/, and objectInfo150.txt.
#      ade20k.sh --check [DIR]     DIR may be ADEChallengeData2016 itself or the folder above it
#      ade20k.sh --fetch [DIR]     checks it where it is there, and else says all this
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=common.sh
source "$here/common.sh"

stems() { find "$1" -maxdepth 1 -type f -iname "*.$2" -printf '%f\n' | sed 's/\.[^.]*$//' | sort; }

check() { # DIR
  local folder=$1 part images other
  if [[ -d $1/ADEChallengeData2016 ]]; then folder=$1/ADEChallengeData2016; fi
  for part in training:20210 validation:2000; do
    images=${part#*:} part=${part%:*}
    [[ -d $folder/images/$part && -d $folder/annotations/$part ]] || fail "$folder has no images/$part or no annotations/$part; $0 --help says where they come from."
    expect "images in $folder/images/$part" "$(count "$folder/images/$part" jpg 1)" "$images"
    expect "annotations in $folder/annotations/$part" "$(count "$folder/annotations/$part" png 1)" "$images"
    other=$(first_difference <(stems "$folder/images/$part" jpg) <(stems "$folder/annotations/$part" png))
    if [[ -n $other ]]; then
      echo "WRONG    $other is in only one of $folder/images/$part and $folder/annotations/$part"
      failed=yes
    fi
  done
  if [[ ! -s $folder/objectInfo150.txt ]]; then
    echo "WRONG    $folder/objectInfo150.txt is missing"
    failed=yes
  fi
  verdict "$folder" "ADE20K"
}

case ${1:-} in
  "" | -h | --help) usage ;;
  --check) check "${2:-$(default_folder)}" ;;
  --fetch)
    target=${2:-$(default_folder)}
    if [[ -d $target/ADEChallengeData2016 ]]; then target=$target/ADEChallengeData2016; fi
    how_or_check "$target" images
    ;;
  *) fail "'$1' is not known; see $0 --help." ;;
esac
