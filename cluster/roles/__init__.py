"""The roles of a run: plain classes that know nothing of processes. A backend decides where they live."""
