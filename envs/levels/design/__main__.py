"""Write the shipped levels, and search solutions of those that are new or changed, or whose solution no longer holds."""

from envs.levels.design import parts, small, solve

if __name__ == "__main__":
    changed = parts.save(small.LEVELS, solve.search, solve.still_solves)
    print("written: " + (", ".join(changed) or "nothing, all levels are as designed"))
