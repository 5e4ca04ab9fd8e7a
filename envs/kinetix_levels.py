"""The hand-made levels that Kinetix was published with: their names, and where they are once fetched.

The files are not part of this project. `python -m launch.levels import-kinetix` takes them from the
published wheel into the user's cache; `unpack` is what it does once it has the wheel.
"""

import hashlib
import os
import zipfile
from pathlib import Path

from envs import files
from physics.errors import InputError

GROUP = "kinetix"  # ids are GROUP/size/name
PACKAGE, VERSION = "kinetix-env", "3.0.2"
WHEEL_SHA256 = "6eb909475f075f666b6d2fbfe5268d9b3bb3ca2f917939a05d3e232b4efb9eeb"
PLACE = "kinetix/levels"  # of the levels in the wheel
MAX_LEVEL_BYTES = 1 << 20
COMMAND = "python -m launch.levels import-kinetix"

NAMES = {  # in the order of its evaluation
    "s": """
        h0_weak_thrust h7_unicycle_left h3_point_the_thruster h4_thrust_aim h1_thrust_over_ball h5_rotate_fall
        h9_explode_then_thrust_over h6_unicycle_right h8_unicycle_balance h2_one_wheel_car
    """,
    "m": """
        h0_unicycle h1_car_left h2_car_right h3_car_thrust h4_thrust_the_needle h5_angry_birds h6_thrust_over h7_car_flip
        h8_weird_vehicle h9_spin_the_right_way h10_thrust_right_easy h11_thrust_left_easy h12_thrustfall_left h13_thrustfall_right
        h14_thrustblock h15_thrustshoot h16_thrustcontrol_right h17_thrustcontrol_left h18_thrust_right_very_easy
        h19_thrust_left_very_easy arm_left arm_right arm_up arm_hard
    """,
    "l": """
        h0_angrybirds h1_car_left h2_car_ramp h3_car_right h4_cartpole h5_flappy_bird h6_lorry h7_maze_1 h8_maze_2 h9_morph_direction
        h10_morph_direction_2 h11_obstacle_avoidance h12_platformer_1 h13_platformer_2 h14_simple_thruster h15_swing_up
        h16_thruster_goal h17_unicycle hard_beam_balance hard_cartpole_thrust hard_cartpole_wheels hard_lunar_lander hard_pinball
        grasp_hard grasp_easy mjc_half_cheetah mjc_half_cheetah_easy mjc_hopper mjc_hopper_easy mjc_swimmer mjc_walker mjc_walker_easy
        car_launch car_swing_around chain_lander chain_thrust gears lever_puzzle pr rail
    """,
}


def ids(size: str | None = None) -> list[str]:
    """Ids of all levels, or of those of one size, whether they are here or not."""
    return [f"{GROUP}/{each}/{name}" for each, names in NAMES.items() if size in (None, each) for name in names.split()]


def cache() -> Path:
    """The folder of everything that can be made or fetched again: `$FULCRUM_CACHE`, or one in the user's home."""
    return Path(os.environ.get("FULCRUM_CACHE") or Path.home() / ".cache" / "fulcrum")


def folder() -> Path:
    """Where the levels are, once fetched."""
    return cache() / f"{GROUP}-{VERSION}"


def present() -> bool:
    """Whether all levels are here."""
    return all(_file(folder(), id).is_file() for id in ids())


def path(id: str) -> Path:
    """The file of a level; `InputError` says how to get it where it is missing."""
    found = _file(folder(), id)
    if not found.is_file():
        raise InputError(f"level {id}", found=f"no file {found}", wanted="the levels of Kinetix", fix=f"Fetch them once: {COMMAND}")
    return found


def _file(where: Path, id: str) -> Path:
    return where / f"{id.removeprefix(GROUP + '/')}.json"


def unpack(wheel: str | Path, sha256: str = WHEEL_SHA256) -> Path:
    """Take the levels, and nothing else, out of the wheel into `folder()`: all of them or none."""
    _verify(Path(wheel), sha256)
    try:
        with zipfile.ZipFile(wheel) as archive, files.whole_folder(folder()) as target:
            for id in ids():
                _extract(archive, id, _file(target, id))
    except zipfile.BadZipFile as error:
        raise InputError(str(wheel), found=f"no wheel ({error})", wanted=f"the wheel of {PACKAGE} {VERSION}") from None
    return folder()


def _verify(wheel: Path, sha256: str) -> None:
    try:
        with wheel.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(str(wheel), found=(error.strerror or "an error").lower(), wanted=f"the wheel of {PACKAGE} {VERSION}") from None
    if found != sha256:
        raise InputError(
            str(wheel), found=f"SHA-256 {found}", wanted=sha256, fix=f"Only the published wheel of {PACKAGE} {VERSION} is taken."
        )


def _extract(archive: zipfile.ZipFile, id: str, target: Path) -> None:
    name = f"{PLACE}/{id.removeprefix(GROUP + '/')}.json"
    try:
        entry = archive.getinfo(name)
    except KeyError:
        raise InputError(f"{archive.filename}: {name}", found="no such file in it", wanted="every published level") from None
    if entry.file_size > MAX_LEVEL_BYTES:
        raise InputError(f"{archive.filename}: {name}", found=f"{entry.file_size} bytes", wanted=f"at most {MAX_LEVEL_BYTES}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(archive.read(entry))
