"""Words of a command that a user copies into a shell."""

import shlex


def quoted(*words: object) -> str:
    """The words with spaces between, each quoted where a shell would take it for something else: `'my data' b`."""
    return shlex.join(map(str, words))
