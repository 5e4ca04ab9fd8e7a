#!/usr/bin/env bash
# Trains on one NVIDIA GPU of this machine: sets up, checks, and runs configs/cluster/one_gpu.yaml.
#   ./launch/single_gpu.sh [key=value ...]         for example: run.name=first run.max_minutes=60
#   ./launch/single_gpu.sh --resume runs/NAME      goes on with a run
set -euo pipefail
cd "$(dirname "$0")/.."
command -v nvidia-smi > /dev/null || { echo "FAILED: no NVIDIA driver was found (nvidia-smi); without a GPU: ./launch/quickstart.sh" >&2; exit 1; }
source launch/setup.sh gpu
export CUDA_VISIBLE_DEVICES="${CUDA_VISIBLE_DEVICES:-0}"
"$python" -m launch.doctor --gpu
if [ "${1:-}" = "--resume" ]; then exec "$python" -m launch.train "$@"; fi
exec "$python" -m launch.train configs/cluster/one_gpu.yaml "$@"
