"""The `corral` command: what the pages do, without a browser. Whoever runs it has the workspace's folder.

Exit status: 0 done, 1 it can't be done (why stands on the standard error), 2 the command was not understood,
130 stopped by Ctrl+C.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from labelling import __version__
from labelling.cli.start import start
from labelling.errors import CorralError

# In a checkout, where the command is not installed, it is called as a module.
NAME = "corral" if Path(sys.argv[0]).stem == "corral" else "python -m labelling.cli"
STOPPED = 130


class _Files(click.Group):
    """A group in which a word that is no command is a file or a folder to open."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["open", *args]
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CorralError as error:
            raise click.ClickException(str(error)) from error


@click.group(
    cls=_Files,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Projects lie in CORRAL_WORKSPACE, by default the folder .corral in your home.",
)
@click.version_option(__version__, prog_name="corral")
@click.option("--account", metavar="NAME", help="Whose projects: of an account that signs in. Without it, nobody's.")
@click.pass_context
def corral(ctx: click.Context, account: str | None) -> None:
    """Lasso texts into labels: a map of your texts in the browser.

    Without a command it starts the app; with a file or a folder, it makes a project of it and opens that:

    \b
        corral
        corral inbox.csv --text message
    """
    ctx.obj = account
    if ctx.invoked_subcommand is None:
        ctx.exit(start())


def console() -> None:
    """The installed command."""
    sys.exit(main())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    from labelling.cli import keep, make, model, opening, pack, projects, stores

    rooms = (projects, opening, make, model, pack, stores, keep)
    for command in (command for room in rooms for command in room.COMMANDS):
        corral.add_command(command)
    try:
        status = corral.main(None if arguments is None else list(arguments), NAME, standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Stopped. What was done so far is kept.", err=True)
        return STOPPED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return status if isinstance(status, int) else 0
