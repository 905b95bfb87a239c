#!/usr/bin/env bash
# COCO 2017: 118,287 training and 5,000 validation images with boxes and masks of 80 classes. The annotations are under CC BY 4.0, the
# images under the terms of Flickr (https://cocodataset.org/#termsofuse).
#
#   coco.sh --fetch [DIR]    fetches train2017.zip (18 GB), val2017.zip (1 GB) and annotations_trainval2017.zip (241 MB) from
#                            images.cocodataset.org, checks their MD5 sums and unpacks them into DIR, about 20 GB; an interrupted call
#                            goes on where it stopped, and each archive is deleted when it has been unpacked
#   coco.sh --check [DIR]    checks DIR/train2017, DIR/val2017 and DIR/annotations/instances_{train,val}2017.json
#
# DIR is $PATCHKIT_DATA/coco, or data/coco of this checkout, where none is named. PATCHKIT_COCO_URL names a mirror. Archives that were
# fetched by other means are used where they lie in DIR.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=common.sh
source "$here/common.sh"

# The archive's path, what it unpacks to, its MD5 sum.
archives=(
  "zips/train2017.zip train2017 cced6f7f71b7629ddf16f17bbcfab6b2"
  "zips/val2017.zip val2017 442b8da7639aecaf257c1dceb8ba8c80"
  "annotations/annotations_trainval2017.zip annotations f4bbac642086de4f52a3fdda2de5fa2c"
)

check() { # DIR
  local part
  expect "images in $1/train2017" "$(count "$1/train2017" jpg 1)" 118287
  expect "images in $1/val2017" "$(count "$1/val2017" jpg 1)" 5000
  for part in train val; do
    if [[ $(tail -c 64 "$1/annotations/instances_${part}2017.json" 2>/dev/null) != *"}" ]]; then
      echo "WRONG    $1/annotations/instances_${part}2017.json is missing or cut short"
      failed=yes
    fi
  done
  verdict "$1" "COCO 2017"
}

fetch_all() { # DIR
  local path folder md5 file partial
  need unzip unzip
  mkdir -p "$1" || fail "$1 cannot be made; name another folder, or set PATCHKIT_DATA."
  for archive in "${archives[@]}"; do
    read -r path folder md5 <<<"$archive"
    file=$1/${path##*/} partial=$1/$folder.partial
    if [[ -d $1/$folder ]]; then continue; fi
    fetch "${PATCHKIT_COCO_URL:-http://images.cocodataset.org}/$path" "$file" "$md5"
    rm -rf "$partial"
    unzip -q "$file" -d "$partial" || fail "$file could not be unpacked into $1; is the disk full?"
    mv "$partial/$folder" "$1/$folder"
    rm -rf "$partial" "$file"
  done
}

target=${2:-$(default_folder)/coco}
case ${1:-} in
  "" | -h | --help) usage ;;
  --check) check "$target" ;;
  --fetch)
    fetch_all "$target"
    check "$target"
    ;;
  *) fail "'$1' is not known; see $0 --help." ;;
esac
