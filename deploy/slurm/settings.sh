# What the three scripts share; set any of it in the environment to change it. Sourced from the folder of submission.
# shellcheck shell=bash
: "${SHARDS:=40}"                # also the size of the array
: "${SWEEP:=sweep.json}"
: "${RESULTS:=results}"          # on a file system that all nodes see
: "${RUNNER:=node}"
: "${THAW:=thaw}"                # e.g. "apptainer exec thaw.sif thaw"
read -r -a thaw <<< "$THAW"
