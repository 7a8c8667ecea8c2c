"""`database-migration status`: what is applied, pending, unfinished, retired and backed up."""

from skill_server.cli import tool_command

command = tool_command.build("migration_status")
command.name = "status"
