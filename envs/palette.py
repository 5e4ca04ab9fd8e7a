"""Colours that pictures for people and pictures for agents share, so that both are read alike."""

from envs.base import Role

Colour = tuple[int, int, int]

PAPER: Colour = (250, 249, 245)
INK: Colour = (38, 45, 56)
PASSIVE: Colour = (255, 255, 255)  # joints that nothing drives
NOZZLE: Colour = (84, 93, 107)
ROLE_COLOURS: dict[Role, Colour] = {  # tones that stay apart under the common colour blindnesses
    Role.NORMAL: (172, 180, 192),
    Role.GREEN: (56, 190, 138),
    Role.BLUE: (52, 116, 208),
    Role.RED: (214, 66, 52),
}
MOTOR_COLOURS: tuple[Colour, ...] = ((252, 205, 52), (140, 84, 214), (110, 226, 246), (232, 84, 150))  # by channel
AUTO_MOTOR: Colour = (120, 128, 140)  # runs by itself: no channel drives it
FLAME_COLOURS: tuple[Colour, ...] = ((255, 150, 36), (168, 92, 232))  # by channel
FIXED_SHADE, HATCH_SHADE = 0.84, 0.66  # how much darker than its role something immovable is

BORDER = 0.15  # m of wall shown at the left, the right and the ceiling
OUTLINE = 0.022  # m, like all sizes below
HATCH_WIDTH, HATCH_GAP = 0.016, 0.095
JOINT_RADIUS = 0.055
NOZZLE_LENGTH, NOZZLE_THROAT, NOZZLE_MOUTH = 0.11, 0.04, 0.085  # the last two are half widths
