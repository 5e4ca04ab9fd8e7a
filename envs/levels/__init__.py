"""The shipped levels: JSON files by size, and the scripts that write them. No code but `design`."""
