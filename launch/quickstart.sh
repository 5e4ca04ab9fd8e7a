#!/usr/bin/env bash
# Sets up, trains a small general agent on this machine, and shows what it can do. Safe to run again:
# what is done is not done twice, and a training that was interrupted goes on.
set -euo pipefail
cd "$(dirname "$0")/.."
SECONDS=0
trap 'printf "\nFAILED after %d s; run it again to go on where it was\n" $SECONDS >&2' ERR
source launch/setup.sh

run=runs/quickstart
if [ -f "$run/config.yaml" ]; then
    echo "== going on with $run"
    "$python" -m launch.train --resume "$run"
else
    echo "== training a general agent on random levels (about five minutes)"
    "$python" -m launch.train configs/quickstart.yaml run.name=quickstart "$@"
fi

echo "== measuring it on levels that it never saw"
"$python" -m launch.evaluate "$run"

echo "== recording it at play"
"$python" -m launch.play "$run" --out "$run/hand_made.gif"
"$python" -m launch.play "$run" random:1 random:2 random:3 random:4 random:5 random:6 random:7 random:8 random:9 --out "$run/random.gif"

printf '\nSUCCESS in %d s\n' $SECONDS
echo "  clips        $run/hand_made.gif  $run/random.gif"
echo "  table        $run/evaluation.json"
echo "  curves       $run/metrics.jsonl, or: .venv/bin/pip install tensorboard && .venv/bin/tensorboard --logdir $run"
echo "  train longer .venv/bin/python -m launch.train --resume $run run.max_minutes=60"
