"""Where the program begins: an interrupt ends it from its first moment on."""

import os
import signal


def main() -> None:
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda number, frame: os._exit(130))  # until there is something to clear away
    from casnet_cli.cli import main as cli

    cli()


if __name__ == "__main__":
    main()
