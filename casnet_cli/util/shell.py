"""Words of a command that a user copies into a shell."""

import shlex


def typed(*words: object) -> str:
    """The words as one types them, each quoted where a shell would take it for something else: `'my data' b`."""
    return shlex.join(map(str, words))
