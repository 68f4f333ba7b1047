"""Less work for Python's garbage collector, which Keras calls after each network."""

import gc

gc.set_threshold(200_000, 20, 100)  # building networks makes many objects and hardly any cycles


def pytest_collection_finish() -> None:
    gc.freeze()  # what was imported by then stays
