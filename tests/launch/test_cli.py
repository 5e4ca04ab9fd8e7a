"""How every command ends."""

import subprocess
import sys

PROGRAM = "import sys; from launch import cli; from physics.errors import InputError; cli.run({main})"


def run(main: str, shell: str = "") -> subprocess.CompletedProcess:
    command = f"'{sys.executable}' -c \"{PROGRAM.format(main=main)}\" {shell}"
    return subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)


def test_the_status_is_what_main_says():
    assert run("lambda words: 3").returncode == 3


def test_bad_input_is_one_line_and_status_two():
    done = run("lambda words: (_ for _ in ()).throw(InputError('size', found='xl', wanted='s, m or l'))")
    assert done.returncode == 2
    assert done.stderr == "error: size: found 'xl', wanted s, m or l\n"
    assert done.stdout == ""


def test_a_reader_who_has_had_enough_ends_it_quietly():
    done = run("lambda words: print('line\\\\n' * 100000) or 0", "| head -n 1")
    assert done.stdout == "line\n"
    assert done.stderr == ""


def test_what_a_disk_refuses_is_one_line_with_the_way_out_and_status_two():
    done = run("lambda words: open('/proc/version/metrics.jsonl', 'w')")
    assert done.returncode == 2
    assert done.stderr == (
        "error: /proc/version/metrics.jsonl cannot be written: Not a directory. Make room, or choose a folder that can be written to.\n"
    )


def test_any_other_error_of_the_system_is_a_bug_with_its_trace():
    done = run("lambda words: open('/no/such/file')")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
