"""Which worker of pytest-xdist runs which tests: whole files, what shares a costly fixture together, long ones first.

A worker takes the next group when it is done with one, so the long groups must not be the last.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

TOGETHER = {
    "tests/workflows": "trained",
    "tests/workflows/predict": "trained",
}
"""Folders whose files share one run, trained once a worker."""
LONGEST_FIRST = (
    "trained",
    "tests/end_to_end/test_daily_path.py",
    "tests/export/test_formats.py",
    "tests/workflows/series/test_crossval.py",
    "tests/workflows/train/test_session.py",
    "tests/architecture/test_docs_examples.py",
    "tests/training/test_step.py",
    "tests/workflows/bench/test_session.py",
    "tests/model/backbones/test_resnet.py",
    "tests/inference/test_predictor.py",
    "tests/model/backbones/test_efficientnet_lite.py",
    "tests/inference/test_inference_model.py",
    "tests/model/test_casnet.py",
    "tests/model/test_casnet_reference.py",
    "tests/model/test_casnet_frozen.py",
    "tests/reports/test_curves.py",
    "tests/model/test_flops.py",
)
"""Groups that take more than ten seconds; the others follow in the order of their names."""


def group_of(file: str) -> str:
    """The group of a file of tests, given by its path below the project's folder."""
    return TOGETHER.get(file.rpartition("/")[0], file)


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> "LoadScopeScheduling":
    from xdist.scheduler import LoadScopeScheduling

    class GroupScheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid.partition("::")[0])

    return GroupScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _place(group_of(item.nodeid.partition("::")[0])))


def _place(group: str) -> int:
    return LONGEST_FIRST.index(group) if group in LONGEST_FIRST else len(LONGEST_FIRST)
