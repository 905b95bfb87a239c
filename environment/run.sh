#!/usr/bin/env bash
# Sets PatchKit up and runs its main job, Table 1 at the scale `teach`. Arguments go to the job, such as --scale smoke.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bash "$here/setup.sh"
exec "$here/../bin/patchkit" run table1 "$@"
