"""The command line: one command for each tool, and those that belong to a person alone."""
