# What the three scripts share; set any of it in the environment to change it. Sourced from the folder of submission.
# shellcheck shell=bash
: "${SHARDS:=40}"                # also the size of the array
: "${SWEEP:=sweep.json}"
: "${RESULTS:=results}"          # on a file system that all nodes see
: "${RUNNER:=node}"
: "${THAW:=thaw}"                # e.g. "apptainer exec thaw.sif thaw"
# shellcheck disable=SC2034 # the scripts that source this use it
read -r -a thaw <<< "$THAW"
