"""Which worker of pytest-xdist runs which tests: whole files, what shares a costly fixture together, long ones first.

A worker takes the next group when it is done with one, so the long groups must not be the last.
"""

import pytest

TOGETHER = {
    "tests/workflows": "trained",
    "tests/workflows/predict": "trained",
}
"""Folders whose files ask one and the same run, trained once a worker."""
LONGEST_FIRST = (
    "trained",
    "tests/end_to_end/test_daily_path.py",
    "tests/workflows/series/test_crossval.py",
    "tests/export/test_formats.py",
    "tests/training/test_step.py",
    "tests/model/test_casnet_frozen.py",
    "tests/model/backbones/test_resnet.py",
    "tests/inference/test_inference_model.py",
    "tests/inference/test_predictor.py",
    "tests/workflows/train/test_session.py",
    "tests/workflows/bench/test_session.py",
)
"""Groups that take more than ten seconds; the others follow in the order of their names."""


def group_of(item: pytest.Item) -> str:
    file = item.path.relative_to(item.config.rootpath)
    return TOGETHER.get(file.parent.as_posix(), file.as_posix())


def _place(group: str) -> int:
    return LONGEST_FIRST.index(group) if group in LONGEST_FIRST else len(LONGEST_FIRST)


@pytest.hookimpl(tryfirst=True)  # before the groups are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group_of(item)))
    items.sort(key=lambda item: _place(group_of(item)))
