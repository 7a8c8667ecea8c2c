"""A person's consent, which neither the server nor an assistant can make."""
