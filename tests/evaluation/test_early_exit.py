"""The threshold below which the coarse output will do, counted by hand."""

import pytest

from casnet_cli.evaluation.early_exit import ImageErrors, Point, curve, threshold

# Of 400 labelled pixels 320 are right; the coarse output has 3 fewer, 1 more, 10 fewer and 6 fewer of them.
LOOKS = [
    ImageErrors(0.4, 100, 70, 80),
    ImageErrors(0.1, 100, 87, 90),
    ImageErrors(0.9, 100, 64, 70),
    ImageErrors(0.2, 100, 81, 80),
]


def test_the_easiest_images_come_first() -> None:
    expected = [
        (-1.0, 0.0, 320, 0),
        (0.1, 0.25, 317, 3),
        (0.2, 0.5, 318, 2),
        (0.4, 0.75, 308, 12),
        (0.9, 1.0, 302, 18),
    ]
    assert curve(LOOKS) == [Point(below, share, right / 400, lost / 400) for below, share, right, lost in expected]


@pytest.mark.parametrize(
    ("loss", "below"), [(0.0, -1.0), (0.004, -1.0), (0.005, 0.2), (0.0075, 0.2), (0.03, 0.4), (1, 0.9)]
)
def test_as_many_images_as_the_loss_allows(loss: float, below: float) -> None:
    found = threshold(curve(LOOKS), loss)
    assert found is not None and found.easy_below == below


def test_an_image_beyond_a_loss_that_is_won_back_counts() -> None:
    found = threshold(curve([ImageErrors(0.1, 10, 5, 6), ImageErrors(0.2, 10, 8, 7)]), 0.0)
    assert found == Point(0.2, 1.0, 13 / 20, 0.0)


def test_a_coarse_output_that_is_better_is_a_negative_loss() -> None:
    assert threshold(curve([ImageErrors(0.3, 10, 9, 7)])) == Point(0.3, 1.0, 0.9, -0.2)


def test_images_of_one_difficulty_share_their_threshold() -> None:
    """Both or none are easy at it, so half of them is no choice."""
    points = curve([ImageErrors(0.5, 10, 9, 9), ImageErrors(0.5, 10, 5, 9)])
    assert [(point.easy_below, point.share) for point in points] == [(-1.0, 0.0), (0.5, 1.0)]
    found = threshold(points, 0.1)
    assert found is not None and found.easy_below == -1.0


@pytest.mark.parametrize("looks", [[], [ImageErrors(0.5, 0, 0, 0)]])
def test_nothing_labelled_gives_no_threshold(looks: list[ImageErrors]) -> None:
    assert curve(looks) == [] and threshold(curve(looks)) is None
