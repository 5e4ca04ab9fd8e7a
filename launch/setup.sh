#!/usr/bin/env bash
# Makes .venv and installs Fulcrum with the extras named, once; called by the other scripts.
#   source launch/setup.sh [EXTRAS]      for example: source launch/setup.sh dev
# Leaves $python set to the interpreter to use.
extras="${1:-}"

fail() { printf '\nFAILED: %s\n' "$1" >&2; exit 1; }

find_python() {
    local candidate
    for candidate in python3.13 python3.12 python3.11 python3 python; do
        if command -v "$candidate" > /dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

python=.venv/bin/python
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
    base=$(find_python) || fail "no Python of version 3.11 or later was found; install one and run this again"
    echo "== making .venv with $("$base" --version)"
    "$base" -m venv --clear .venv || fail "python could not make a virtual environment (on Debian: apt-get install python3-venv)"
fi

# What was installed is remembered by the content of pyproject.toml, so that a second run has nothing to do.
stamp=".venv/installed-${extras:-base}"
wanted=$(cksum < pyproject.toml)
if [ "$(cat "$stamp" 2> /dev/null)" != "$wanted" ]; then
    echo "== installing dependencies (about a minute)"
    "$python" -m pip install --quiet --disable-pip-version-check --editable ".${extras:+[$extras]}" || fail "pip could not install the dependencies"
    echo "$wanted" > "$stamp"
fi
