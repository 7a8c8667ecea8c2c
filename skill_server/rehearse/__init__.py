"""Try a plan on copies of the real data: up, up again, down, up, and the project's own tests."""
