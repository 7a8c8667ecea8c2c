"""What the tools and the command line both call: one file per stage, and the place where everything is wired."""
