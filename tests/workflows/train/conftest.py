"""These tests check which work is done when, and what is left in the folders; not the step."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def _uncompiled(uncompiled: None) -> None:
    pass
