"""casnet runs: all runs with their figures."""

from pathlib import Path
from typing import Annotated

import typer

from casnet_cli.commands.options import Json

EXAMPLES = ("casnet runs", "casnet runs --json -", "casnet runs rm runs/my-photos-001")
"""For the help page."""

app = typer.Typer(help="List all runs: data, recipe, state, best figures, time.", invoke_without_command=True)


@app.callback()
def list_command(context: typer.Context, json: Json = None) -> None:
    """List all runs, newest first."""
    from casnet_cli.workflows.run_list import list_runs

    if context.invoked_subcommand is None:
        list_runs(json)


@app.command("rm", epilog="casnet runs rm runs/my-photos-001 runs/my-photos-002")
def rm_command(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs.", metavar="RUN...")],
    yes: Annotated[bool, typer.Option("--yes", help="Without a question.")] = False,
) -> None:
    """Remove runs with all their files, after a question."""
    from casnet_cli.workflows.run_list import remove_runs

    remove_runs(runs, yes, typer.confirm)
