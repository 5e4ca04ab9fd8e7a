"""What are curricula worth? In a universe of known difficulty, and in real runs."""
