"""Most networks here have the tests' own backbone."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def _with_the_tiny_backbone(tiny: None) -> None:
    pass
