"""The task universe: what is a level, what does the agent see, do and earn? Knows no network."""
