"""`database-migration backup-key`: make the key of encrypted backups, which belongs to a person."""

from pathlib import Path

import click

from skill_server.backup import keys
from skill_server.errors import MigrationError
from skill_server.settings import load


@click.command("backup-key", short_help="Make a key for encrypted backups")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def command(project: Path | None, file: Path) -> None:
    """Write a new key of age to FILE, for you alone and outside of the project. Save it: without it no backup opens."""
    try:
        root = load(project).root
        place = file.expanduser().absolute()
        if place.parent.resolve().is_relative_to(root):
            raise click.ClickException(
                "a key inside of the project would be saved and shared with it; choose another folder"
            )
        public = keys.create(place)
    except MigrationError as error:
        raise click.ClickException(f"[{error.code}] {error.message}. {error.help}") from error
    click.echo(
        f"wrote {file}, public key {public}: save it, then start the server with {keys.VARIABLE} naming it"
    )
