#!/usr/bin/env bash
# Makes an environment with the published reference, apart from the project's own, and says how to use it.
#   ./tests/physics/peer/setup.sh DIR
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: $0 DIR" >&2; exit 2; }
python3 -m venv "$1"
"$1/bin/python" -m pip install --quiet --disable-pip-version-check "kinetix-env==3.0.2" "jax2d==1.0.1"
"$1/bin/python" -c "import jax2d, kinetix"
python=$(cd "$1/bin" && pwd)/python
echo "Ready. Now run:"
echo "  FULCRUM_PEER_PYTHON=$python python -m pytest -m peer tests/physics/peer -s"
