#!/usr/bin/env bash
# Submits a sweep as an array of shards, and the merge behind it:
#   SHARDS=200 SWEEP=sweep.json deploy/slurm/submit.sh --partition=gpu --gres=gpu:1
# Arguments go to the array's sbatch.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
export THAW_SLURM="$here"
# shellcheck source=deploy/slurm/settings.sh
source "$here/settings.sh"
export SHARDS SWEEP RESULTS RUNNER THAW
shards="$(sbatch --parsable --export=ALL --array="1-$SHARDS" "$@" "$here/shards.sbatch")"
# afterany: a merge names what failed shards have not done.
merge="$(sbatch --parsable --export=ALL --dependency="afterany:${shards%%;*}" "$here/merge.sbatch")"
echo "shards: job ${shards%%;*}, merge: job ${merge%%;*}"
