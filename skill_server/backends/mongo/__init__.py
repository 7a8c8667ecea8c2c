"""The MongoDB backend: everything that knows Motor, documents and collections."""
