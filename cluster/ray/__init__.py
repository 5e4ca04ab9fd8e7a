"""The Ray backend: every role an actor. The only place that imports Ray."""
