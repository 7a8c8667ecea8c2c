"""PostgreSQL behind the protocols of `backends.base`; the only place that imports asyncpg."""
