"""The casnet command: the Typer app, its verbs, and the one place where errors become exit codes."""

import signal
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import Abort, TyperException

from casnet_cli import __version__, backend
from casnet_cli.errors import CasnetError, reason

VERBS = (
    "demo",
    "prepare",
    "check",
    "recipe",
    "train",
    "eval",
    "predict",
    "export",
    "rank",
    "audit",
    "crossval",
    "ablate",
    "compare",
    "bench",
    "info",
)

INTERRUPTED = 130

ANYWHERE = ("--quiet", "-q", "--verbose", "-v")
"""Options of the whole command that are also understood behind a verb."""


class _Boundary(TyperGroup):
    """Turns every CasnetError and usage error into one line a fault and exit 2, and an interrupt into exit 130."""

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
            code = INTERRUPTED
        except OSError as error:  # a full disk, a folder of somebody else, a name that is too long
            where = error.filename if isinstance(error.filename, str) else "output"
            console.error(f"{where}: {reason(error)}")
            code = 2
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # Typer makes exit 130 of it without a word
            from casnet_cli import console

            console.say("interrupted")
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
    cls=_Boundary,
    help="Semantic segmentation with CasNet: prepare data, train, evaluate, label folders of pictures.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"casnet {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only results and errors.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Details too.")] = False,
) -> None:
    from casnet_cli import console

    console.configure(quiet, verbose)


for _verb in VERBS:
    _module = import_module(f"casnet_cli.commands.{_verb.replace('eval', 'evaluate')}")
    if hasattr(_module, "app"):
        app.add_typer(_module.app, name=_verb)
    else:
        app.command(_verb)(_module.command)


def _terminated(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def main() -> None:
    signal.signal(signal.SIGTERM, _terminated)  # as Ctrl-C does: what is half done is cleared away, exit 130
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _terminated)
    try:
        app()
    except SystemExit as end:
        backend.leave(end.code)
        raise
    except KeyboardInterrupt:  # before any verb began
        sys.exit(INTERRUPTED)
