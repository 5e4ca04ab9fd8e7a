#!/usr/bin/env bash
# Sets up and runs lint, types, layers and tests. Safe to run again.
#   ./launch/test.sh                 what everybody runs before a commit
#   ./launch/test.sh --everything    the slow tests too, and runs on a Ray cluster of this machine of which all parts are killed in turn
#   ./launch/test.sh --clusters      the default ones, and all that start a Ray cluster on this machine
set -euo pipefail
cd "$(dirname "$0")/.."
SECONDS=0
trap 'printf "\nFAILED after %d s\n" $SECONDS >&2' ERR
source launch/setup.sh dev

echo "== lint";   "$python" -m ruff check .
echo "== format"; "$python" -m ruff format --check .
echo "== types";  "$python" -m pyright --pythonpath "$python"
echo "== layers"; .venv/bin/lint-imports --no-cache
echo "== tests";  "$python" -m pytest -n 2 --dist loadfile --no-loadscope-reorder  # the longest first: tests/conftest.py
if [ "${1:-}" = "--everything" ]; then
    echo "== slow tests"; "$python" -m pytest -n 2 --dist load -m "(slow or learns) and not ray and not gpu and not peer"
    echo "== Ray"; "$python" -m pytest -m ray tests/cluster/test_ray.py tests/cluster/test_chaos.py  # one at a time: heartbeats are timed
fi
if [ "${1:-}" = "--clusters" ]; then
    echo "== clusters"; "$python" -m pytest -m "ray and not gpu"
fi
printf '\nSUCCESS in %d s\n' $SECONDS
