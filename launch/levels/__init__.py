"""Commands about levels: `python -m launch.levels --help`."""
