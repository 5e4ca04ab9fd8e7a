"""The features of Kinetix 3.0.2 in its order, so that agents and data can cross.

What differs, on purpose: empty slots are zeros (there they hold what was left in them, and are masked);
numbers that are not finite are zeros; contacts are those of the moment (there those of the physics step
before, and none at the start); `driven` is added, as the policy here reads it.
"""
