#!/usr/bin/env bash
# Sets PatchKit up and runs its main job: the notebook of Table 1, without Python or a browser. Arguments go to
# `csnotebook run`, such as --set scale=smoke (a minute) or --set data=FOLDER.
set -euo pipefail
called_from=$PWD
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$home"
bash environment/setup.sh

notebook=notebooks/02-table-1-patch-size.ipynb
name=$(basename "$notebook" .ipynb)
mkdir -p out
(cd "$called_from" && exec "$home/bin/csnotebook" run "$home/$notebook" \
  --out "$home/out/$name.ipynb" --html "$home/out/$name.html" "$@")
bin/patchkit report table1
echo "Charts and all: out/$name.html (a page that needs nothing else) and out/$name.ipynb."
