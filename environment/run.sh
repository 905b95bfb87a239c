#!/usr/bin/env bash
# Sets PatchKit up and runs its main job. Arguments go to the job.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bash "$here/setup.sh"
exec "$here/../bin/patchkit" quickstart "$@"
