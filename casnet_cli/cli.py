"""The casnet command: the Typer app, its commands, and the one place where errors become exit codes."""

import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.exceptions import Abort, TyperException

from casnet_cli import __version__, backend
from casnet_cli.commands.help_page import WIDEST, DocumentedCommand, DocumentedGroup
from casnet_cli.errors import CasnetError, reason
from casnet_cli.util import signals
from casnet_cli.util.streams import lasting

VERBS = (
    "demo",
    "prepare",
    "check",
    "recipe",
    "train",
    "eval",
    "predict",
    "serve",
    "export",
    "rank",
    "audit",
    "crossval",
    "ablate",
    "compare",
    "bench",
    "info",
    "runs",
)
"""Names of the commands, in the order of the help page; each has a module in `commands`."""

ANYWHERE = ("--quiet", "-q", "--verbose", "-v")
"""Options of casnet itself that are also understood behind a command's name."""


class _CasnetGroup(DocumentedGroup):
    """Turns every CasnetError and usage error into a line for each fault and exit 2, an interrupt into exit 130."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        from casnet_cli import console

        try:
            code = super().main(*args, **{**kwargs, "standalone_mode": False})
        except CasnetError as error:
            for fault in error.faults:
                console.error(fault)
            code = 2
        except TyperException as error:
            code = _usage(error)
        except Abort:
            code = signals.INTERRUPTED
        except OSError as error:  # a full disk, a folder of another user, a name that is too long
            where = error.filename if isinstance(error.filename, str) else "output"
            console.error(f"{where}: {reason(error)}")
            code = 2
        if not code and (lost := lasting(sys.stdout).fault):
            console.message(f"warning: standard output could not be written, and not all of it is there: {lost}")
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # Typer turns it into exit 130 without a message
            from casnet_cli import console

            console.message("interrupted")
            raise

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, sorted(args, key=lambda word: word not in ANYWHERE))


def _usage(error: Any) -> int:
    from casnet_cli import console

    if type(error).__name__ == "NoArgsIsHelpError":  # its message is the help page
        typer.echo(error.format_message())
        return 0
    context = getattr(error, "ctx", None)
    where = context.command_path if context else "casnet"
    message = " ".join(error.format_message().split()).rstrip(".")
    console.error(f"{where}: {message[:1].lower()}{message[1:]} (see {where} --help)")
    return 2


app = typer.Typer(
    name="casnet",
    cls=_CasnetGroup,
    help="Semantic segmentation with CasNet: prepare data, train, evaluate, label folders of pictures.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
    context_settings={"max_content_width": WIDEST},
)


def _version(requested: bool) -> None:
    if requested:
        typer.echo(f"casnet {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show only results and errors.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show details too.")] = False,
) -> None:
    from casnet_cli import console

    console.configure(quiet, verbose)


def _add_command(verb: str) -> None:
    module = import_module(f"casnet_cli.commands.{verb.replace('eval', 'evaluate')}")
    examples = "\n".join(getattr(module, "EXAMPLES", ()))
    if hasattr(module, "app"):
        for below in module.app.registered_commands:
            below.cls = DocumentedCommand
        app.add_typer(module.app, name=verb, cls=DocumentedGroup, epilog=examples)
    else:
        app.command(verb, cls=DocumentedCommand, epilog=examples)(module.command)


for _verb in VERBS:
    _add_command(_verb)


def main() -> None:
    """Run the command line and end the process with its exit code."""
    signals.raise_interrupt()
    try:
        app()
    except SystemExit as end:
        signals.leave_at_once()
        backend.exit_process(end.code)
        raise
    except KeyboardInterrupt:  # before any command began
        sys.exit(signals.INTERRUPTED)
