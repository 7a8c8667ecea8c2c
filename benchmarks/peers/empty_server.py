"""The least that the protocol's own library can do: a server without tools, over standard input and output."""

from mcp.server import MCPServer

if __name__ == "__main__":
    MCPServer("empty").run("stdio")
