"""What of an image is put to an exported file."""

import numpy as np
import pytest

from casnet_cli.data.loader import WholeSample
from casnet_cli.errors import InputError
from casnet_cli.export.runtime import check_size
from casnet_cli.export.verify import fitted


def test_images_are_proved_no_larger_than_a_file_takes_them() -> None:
    large = WholeSample("large", np.zeros((3000, 2000, 3), np.uint8), np.zeros((3000, 2000), np.uint8))
    for scale in (1.0, 1.25):
        found = fitted(large, None, scale)
        check_size(found.image.shape[:2], scale)
        assert found.label.shape == found.image.shape[:2] and found.label.shape[0] == found.label.shape[1] * 3 // 2
    assert fitted(large, None, 0.5) is large
    with pytest.raises(InputError, match="megapixels at most"):
        check_size((3000, 2000), 1.0)
