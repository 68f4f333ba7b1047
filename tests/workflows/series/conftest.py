"""Which work is done when, and what is left in the folders, is the subject here; not the step."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def _uncompiled(uncompiled: None) -> None:
    pass
