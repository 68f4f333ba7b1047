import pytest

from casnet_cli.labels import LabelSet, with_colors


def test_flat_palette_is_what_pillow_wants() -> None:
    labels = LabelSet(("a", "b"), ((1, 2, 3), (4, 5, 6)))
    assert labels.flat_palette()[:6] == [1, 2, 3, 4, 5, 6]
    assert len(labels.flat_palette()) == 768 and not any(labels.flat_palette()[6:])


def test_made_colours_differ() -> None:
    assert len(set(with_colors(tuple(f"class {k}" for k in range(60))).palette)) == 60


@pytest.mark.parametrize(
    ("names", "palette"), [((), ()), (("a", "a"), ((0, 0, 0), (1, 1, 1))), (("a", "b"), ((0, 0, 0),))]
)
def test_inconsistent_sets_are_refused(names: tuple[str, ...], palette: tuple[tuple[int, int, int], ...]) -> None:
    with pytest.raises(ValueError):
        LabelSet(names, palette)
