"""Configuration: what is right is kept exactly, what is wrong is one error that names the way out."""

from pathlib import Path

import pytest

from cluster import local
from cluster.base import RunConfig
from launch import config
from launch.benchmark import train
from physics.errors import InputError


def test_words_and_files_are_merged_and_later_ones_win(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("run:\n  worlds: 32\n  seed: 5\noptimizer:\n  learning_rate: 1e-4\n")
    found = config.load([str(file), "run.seed=7", "env.solver.sequential.iterations=5"])
    assert (found.run.worlds, found.run.seed, found.env.solver.sequential.iterations) == (32, 7, 5)
    assert found.optimizer.learning_rate == 1e-4
    assert found.ppo == RunConfig().ppo


def test_saved_configuration_reads_back_equal(tmp_path):
    found = config.load(["run.name=01", "ppo.clip=0.1", "env.size=m"])
    config.save(found, tmp_path / "config.yaml")
    assert config.load([], base=tmp_path / "config.yaml") == found
    assert found.run.name == "01"


@pytest.mark.parametrize("path", sorted(Path("configs").rglob("*.yaml")), ids=str)
def test_shipped_configurations_load_and_their_networks_read_what_is_observed(path):
    found = config.load([str(path)], base=Path("configs/default.yaml"))
    assert isinstance(found, RunConfig)
    local.check(found)


def test_every_file_of_a_network_can_be_measured():
    assert {path.stem for path in train.FOLDER.glob("*.yaml")} == set(train.NETWORKS)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ppo.minibatch_sze=3"], "no setting 'ppo.minibatch_sze'.*Did you mean ppo.minibatch_size"),
        (["seed=3"], "no setting 'seed'.*Did you mean run.seed"),
        (["nonsense=3"], "--help lists all settings"),
        (["run=3"], "no setting 'run'"),
        (["run.worlds=many"], "run.worlds .*found 'many', wanted a whole number"),
        (["run.worlds=2.5"], "run.worlds .*found 2.5, wanted a whole number"),
        (["run.worlds=true"], "run.worlds .*wanted a whole number"),
        (["run.worlds="], "run.worlds .*wanted a whole number"),
        (["ppo.clip=wide"], "ppo.clip .*found 'wide', wanted a number"),
        (["ppo.clip=nan"], "ppo.clip"),
        (["run.stagger=1"], "run.stagger .*wanted true or false"),
        (["optimizer.schedule=step"], "optimizer.schedule: found 'step', wanted one of constant, linear, cosine"),
        (["run.worlds=0"], "run.worlds: found 0, wanted at least 1"),
        (["env.size=xl"], "env.size: found 'xl', wanted one of s, m, l"),
        (["env.solver.dt=-1"], "env.solver.dt: found -1"),
        (["ppo.discount=1.5"], "ppo.discount: found 1.5, wanted at least 0 and at most 1"),
        (["curriculum.candidates=10"], "curriculum.*candidates.*pool_size"),
        (["run.name=a/b"], "run.name.*without slashes"),
        (["missing.yaml"], "missing.yaml.*no such file"),
        (["what"], "wanted a YAML file or key=value"),
    ],
)
def test_bad_input_is_named(words, message):
    with pytest.raises(InputError, match=message):
        config.load(words)


def test_bad_files_are_named(tmp_path):
    for content, message in [("run: [", "not YAML"), ("- 1", "found 'list'"), ("run:\n  wrlds: 3\n", "Did you mean run.worlds")]:
        file = tmp_path / "bad.yaml"
        file.write_text(content)
        with pytest.raises(InputError, match=message):
            config.load([str(file)])


def test_every_setting_says_what_it_means():
    rows = list(config.settings())
    assert len(rows) > 60
    assert all(meaning.help for _, _, meaning in rows)
