"""Tests of the physics package."""
