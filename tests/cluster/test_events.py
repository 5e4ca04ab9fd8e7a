"""What happens to roles is noted whole, whoever writes at the same time, and counted."""

import json
import threading

from cluster.events import Events
from cluster.tracker import read_lines


def test_an_event_says_when_what_who_and_why(tmp_path):
    path = tmp_path / "events.jsonl"
    events = Events(path)
    assert not path.exists()
    assert events.scalars() == {}
    events("lost", "worker 1", cause="killed", iteration=7)
    events("recovered", "worker 1", iteration=7, seconds=1.23456)
    lost, recovered = read_lines(path)
    assert lost.pop("time") <= recovered.pop("time")
    assert lost == {"what": "lost", "role": "worker 1", "cause": "killed", "iteration": 7}
    assert recovered == {"what": "recovered", "role": "worker 1", "iteration": 7, "seconds": 1.235}


def test_what_is_lost_is_counted_by_role(tmp_path):
    events = Events(tmp_path / "events.jsonl")
    for role in ("worker 0", "worker 3", "learner"):
        events("lost", role)
    events("recovered", "learner", seconds=2.5)
    assert events.scalars() == {"cluster/lost_worker": 2, "cluster/lost_learner": 1, "cluster/lost": 3, "cluster/recovery_seconds": 2.5}


def test_lines_of_several_writers_are_not_torn_apart(tmp_path):
    path = tmp_path / "events.jsonl"
    writers = [threading.Thread(target=lambda: [Events(path)("lost", "worker 0", cause="x" * 300) for _ in range(50)]) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    lines = path.read_text().splitlines()
    assert len(lines) == 200
    assert all(len(json.loads(line)["cause"]) == 300 for line in lines)
