"""Worlds are dealt to devices and blocks evenly, or not at all."""

import pytest

from cluster import mesh
from envs.sizes import capacity
from physics.errors import InputError


@pytest.mark.parametrize(
    ("worlds", "devices", "size", "block"),
    [
        (2048, 2, "m", 256),  # 6 bodies and their like fit so often
        (2048, 2, "l", 128),
        (256, 2, "m", 128),  # no more than a device has
        (2 * 300, 2, "m", 150),  # the largest that divides 300 evenly
        (2 * 257, 2, "m", 1),  # a prime number of worlds a device
        (1, 1, "l", 1),
    ],
)
def test_blocks_are_the_largest_that_fit_and_divide(worlds, devices, size, block):
    assert mesh.block_size(worlds, devices, capacity(size)) == block


def test_a_wanted_block_must_divide_the_worlds_of_a_device():
    assert mesh.block_size(64, 2, capacity("s"), wanted=8) == 8
    with pytest.raises(InputError, match=r"run.block_worlds: found 12, wanted a divisor of 32"):
        mesh.block_size(64, 2, capacity("s"), wanted=12)
    with pytest.raises(InputError, match=r"run.worlds: found 65, wanted a multiple of the 2 devices"):
        mesh.block_size(65, 2, capacity("s"))


def test_more_devices_than_there_are_is_refused():
    with pytest.raises(InputError, match=r"run.devices: found 99, wanted at most \d+"):
        mesh.make(99)


@pytest.mark.parametrize(
    ("worlds", "wanted", "devices"),
    [
        (128, 0, 2),  # all there are
        (64, 0, 1),  # a second would get too few
        (129, 0, 1),  # worlds that two cannot share evenly
        (1, 0, 1),
        (8, 2, 2),  # who says how many gets them
    ],
)
def test_few_worlds_play_on_few_devices_of_a_cpu(worlds, wanted, devices):
    assert mesh.suited(worlds, wanted).size == devices
