"""Speed, as code that anybody can run again: one file a thing that is measured, one JSON line a case."""
