"""Single documents and values, in bytes and in plain form; nothing here talks to a server."""
