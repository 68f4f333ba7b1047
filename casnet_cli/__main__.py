"""Where the program begins: a signal ends it, and no closed output does, from its first moment on."""

import os

from casnet_cli.util import signals, streams


def main() -> None:
    signals.leave_at_once()  # until there is something to clear away
    streams.outlive_readers()
    os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")  # Keras opens weights, maybe where there are no locks
    from casnet_cli.cli import main as cli

    cli()


if __name__ == "__main__":
    main()
