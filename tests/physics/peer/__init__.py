"""Tests of the engine against the published reference, which lives in an environment of its own."""
