"""How the shipped levels are made: a vocabulary of parts, one function a level, a search for solutions.

    python -m envs.levels.design          # write every level; search solutions for new and changed ones

Nothing outside this folder reads it: the JSON files are what counts.
"""
