"""The MongoDB backend: everything that knows Motor, documents and collections."""

from skill_server.backends.mongo.backend import MongoBackend

__all__ = ["MongoBackend"]
