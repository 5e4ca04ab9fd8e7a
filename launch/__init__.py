"""Launch: what does a person type? One file a command; nothing here does the work itself."""
