#!/usr/bin/env bash
# ImageNet-1k (ILSVRC 2012) may be used for non-commercial research by those who register, so it is not fetched from here.
#
# 1. Register at https://image-net.org/download-images and fetch, of ILSVRC 2012:
#      ILSVRC2012_img_train.tar     138 GB   MD5 1d675b47d978889d74fa0da5fadfb00e   training images (task 1 and 2)
#      ILSVRC2012_img_val.tar       6.3 GB   MD5 29b22e2961454d5413ddabcf34fc5622   validation images (all tasks)
#      ILSVRC2012_bbox_val_v3.tgz   2.2 MB                                          validation bounding boxes, for the labels
#
#    or, from Kaggle's "ImageNet Object Localization Challenge", the same images with LOC_val_solution.csv.
#
# 2. Unpack them into DIR, by default $PATCHKIT_DATA/imagenet or data/imagenet of this checkout:
#      imagenet.sh --unpack FROM [DIR]    the archives in the folder FROM; checks MD5 sums, needs 150 GB beside them
#    The validation images are flat in their archive; --unpack sorts them by class. Images that lie flat in DIR/val already:
#      imagenet.sh --sort LABELS [DIR]    by LOC_val_solution.csv, or by the unpacked folder of ILSVRC2012_bbox_val_v3.tgz
#
# 3. Check the result: 1,000 class folders n01440764 .. n15075141 in DIR/train (1,281,167 images) and DIR/val (50 in each).
#      imagenet.sh --check [DIR]
#    imagenet.sh --fetch [DIR] does so where DIR/train is there, and else says all this.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=common.sh
source "$here/common.sh"

classes() { find "$1" -mindepth 1 -maxdepth 1 -type d -name 'n[0-9]*' -printf '%f\n' 2>/dev/null | sort; }

check() { # DIR
  local part class images
  for part in train val; do
    [[ -d $1/$part ]] || fail "$1/$part does not exist; $0 --help says how it gets there."
    expect "classes in $1/$part" "$(classes "$1/$part" | wc -l)" 1000
  done
  class=$(first_difference <(classes "$1/train") <(classes "$1/val"))
  if [[ -n $class ]]; then
    echo "WRONG    the class $class is in only one of $1/train and $1/val"
    failed=yes
  fi
  expect "training images" "$(count "$1/train" jpeg)" 1281167
  expect "validation images" "$(count "$1/val" jpeg)" 50000
  while read -r class; do
    images=$(count "$1/val/$class" jpeg)
    if ((images != 50)); then
      echo "WRONG    $1/val/$class has $images images, but each validation class has 50"
      failed=yes
      break
    fi
  done < <(classes "$1/val")
  verdict "$1" "ImageNet-1k"
}

# "ILSVRC2012_val_00000001 n01751748" for each image that the labels name.
labels() { # FILE-OR-FOLDER
  if [[ -d $1 ]]; then
    { find "$1" -name 'ILSVRC2012_val_*.xml' -exec grep -m 1 -H -o '<name>n[0-9]*' {} + || true; } | sed 's/.*\(ILSVRC2012_val_[0-9]*\)\.xml:<name>/\1 /'
  else
    sed -n 's/^\(ILSVRC2012_val_[0-9]*\),\(n[0-9]*\) .*/\1 \2/p' "$1"
  fi
}

sort_validation() { # LABELS DIR
  [[ -e $1 ]] || fail "$1 does not exist; name LOC_val_solution.csv, or the folder of ILSVRC2012_bbox_val_v3.tgz."
  local list name names class images left
  [[ -d $2/val ]] || fail "$2/val does not exist; unpack the validation images there first."
  list=$(labels "$1")
  (($(wc -l <<<"$list") == 50000)) || fail "$1 names $(grep -c . <<<"$list") validation images, but there are 50,000; is it the right file?"
  # An image that is in its class already stays there, so that an interrupted call can be repeated.
  while read -r class names; do
    images=()
    for name in $names; do
      if [[ -e $2/val/$name.JPEG ]]; then images+=("$2/val/$name.JPEG"); fi
    done
    mkdir -p "$2/val/$class"
    if ((${#images[@]})); then mv -t "$2/val/$class" "${images[@]}"; fi
  done < <(awk '{ images[$2] = images[$2] " " $1 } END { for (class in images) print class images[class] }' <<<"$list")
  left=$(count "$2/val" jpeg 1)
  ((left == 0)) || fail "$left images in $2/val are not named in $1; move them away."
}

unpack() { # FROM DIR
  local name md5 class from partial=$2.partial
  from=$(cd "$1" 2>/dev/null && pwd -P) || fail "$1 does not exist; name the folder with the archives."
  [[ ! -e $2 ]] || fail "$2 exists already; name another folder, or move it away."
  for name in ILSVRC2012_img_train.tar:1d675b47d978889d74fa0da5fadfb00e ILSVRC2012_img_val.tar:29b22e2961454d5413ddabcf34fc5622 ILSVRC2012_bbox_val_v3.tgz:; do
    md5=${name#*:} name=${name%:*}
    [[ -e $from/$name ]] || fail "$from/$name does not exist; $0 --help says where it comes from."
    echo "Checking $name"
    [[ -z $md5 ]] || has_md5 "$from/$name" "$md5" || fail "$from/$name has another MD5 sum than the published $md5; fetch it again."
  done
  mkdir -p "$partial/train" "$partial/val" "$partial/boxes"
  echo "Unpacking the training images, class by class"
  for class in $(tar -tf "$from/ILSVRC2012_img_train.tar"); do
    if [[ -d $partial/train/${class%.tar} ]]; then continue; fi
    rm -rf "$partial/class"
    mkdir "$partial/class"
    tar -xOf "$from/ILSVRC2012_img_train.tar" --occurrence=1 "$class" | tar -xf - -C "$partial/class"
    mv "$partial/class" "$partial/train/${class%.tar}"
  done
  echo "Unpacking the validation images"
  tar -xf "$from/ILSVRC2012_img_val.tar" -C "$partial/val"
  tar -xzf "$from/ILSVRC2012_bbox_val_v3.tgz" -C "$partial/boxes"
  sort_validation "$partial/boxes" "$partial"
  rm -rf "$partial/boxes"
  mv "$partial" "$2"
}

target=$(default_folder)/imagenet
case ${1:-} in
  "" | -h | --help) usage ;;
  --check) check "${2:-$target}" ;;
  --fetch) how_or_check "${2:-$target}" train ;;
  --sort)
    sort_validation "${2:?--sort needs LOC_val_solution.csv or the folder of bounding boxes}" "${3:-$target}"
    echo "${3:-$target}/val is sorted by class."
    ;;
  --unpack)
    unpack "${2:?--unpack needs the folder of the archives}" "${3:-$target}"
    check "${3:-$target}"
    ;;
  *) fail "'$1' is not known; see $0 --help." ;;
esac
