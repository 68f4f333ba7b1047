"""TensorFlow's functions compiled, or run as they stand."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def functions_eager(eagerly: bool) -> Iterator[None]:
    """For the block, whether functions run as they stand; then as it was before."""
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(eagerly)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)
