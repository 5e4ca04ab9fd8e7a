#!/usr/bin/env bash
# Runs a training as a job of a Ray cluster, from this clone, and ends with its exit status.
#   ./launch/ray_job.sh configs/cluster/laptop.yaml [key=value ...]
# Where: the address of the cluster's dashboard in RAY_ADDRESS (http://HOST:8265), or the cluster of launch/local_cluster.sh.
# Token: a cluster that asks for one wants the same RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH=FILE here as there.
# Runs:  in $FULCRUM_RUNS, a folder that all machines of the cluster see under the same name; by default this clone's runs/,
#        which is right for one machine. What is uploaded, this folder without .rayignore, is thrown away after the job.
# Every machine needs Python with the same packages first in PATH: `source launch/setup.sh cluster` (and gpu) makes them.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ $# -eq 0 ]; then sed -n 2,9p "$0"; exit 2; fi
source launch/setup.sh cluster

folder="${FULCRUM_CLUSTER:-/tmp/fulcrum-cluster-$(id -u)}"
if [ -z "${RAY_ADDRESS:-}" ]; then
    [ -f "$folder/env.sh" ] || fail "no cluster: set RAY_ADDRESS=http://HOST:8265, or start one here: ./launch/local_cluster.sh start"
    source "$folder/env.sh"
fi

words=("$@")
if [[ " $* " != *" run.folder="* ]]; then words+=("run.folder=${FULCRUM_RUNS:-$PWD/runs}"); fi
check='from launch import cli, config; cli.run(lambda words: 0 if config.load(words, base=config.DEFAULTS) else 1)'
"$python" -c "$check" "${words[@]}"  # what is wrong with the settings is said before anything is uploaded
bin="$(cd "$(dirname "$python")" && pwd)"
exec "$bin/ray" job submit --address "$RAY_ADDRESS" --working-dir . -- python -m launch.train "${words[@]}"
