"""Programs that are started to be measured themselves."""
