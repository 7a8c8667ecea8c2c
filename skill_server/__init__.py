"""Evidence-gated schema migrations for a PostgreSQL and MongoDB pair, served over MCP."""

__version__ = "0.1.0"
