import numpy as np

from casnet_cli import recipe as recipes
from casnet_cli.evaluation.lost_classes import LostClass, in_words, lost_classes, notice, remedy

NAMES = ("ground", "lesion", "vessel", "absent")
MATRIX = np.array([[900, 0, 20, 0], [50, 0, 0, 0], [30, 0, 0, 0], [0, 0, 0, 0]])
"""Rows are the truth: no lesion is predicted, vessels at wrong pixels alone, and the fourth class does not occur."""


def test_lost_is_a_class_of_which_no_pixel_is_found() -> None:
    assert [one.words() for one in lost_classes(MATRIX, NAMES)] == [
        "lesion (5.0 % of the pixels) is never predicted",
        "vessel (3.0 % of the pixels) is predicted at 20 wrong pixels",
    ]
    many = [LostClass(name, 0.01, 0) for name in "abcde"]
    assert in_words([]) == "" and in_words(many[:3]).count("never predicted") == 3
    assert in_words(many).count("never predicted") == 3
    assert in_words(many).endswith("; no pixel is found of d, e either")
    found = MATRIX.copy()
    found[1, 1], found[2, 2] = 1, 1
    assert lost_classes(found, NAMES) == [] and lost_classes(np.zeros((4, 4), int), NAMES) == []


def test_what_mends_it_is_what_the_recipe_has_not_done() -> None:
    plain = recipes.load(recipes.find("sift-flow"))
    expected = "--set training.loss=dice --set augmentation.class_crops=0.5 --set data.enlarge=auto"
    expected += " --set evaluation.best=mean_iou"
    assert remedy(plain) == f"train with {expected}"
    assert recipes.changed(plain, [word for word in expected.split() if word != "--set"]).training.loss == "dice"
    half = recipes.changed(plain, ["training.loss=dice", "evaluation.best='class:sky'", "evaluation.scale=1.25"])
    assert remedy(half) == "train with --set augmentation.class_crops=0.5"
    done = recipes.changed(half, ["augmentation.class_crops=0.2", "training.epochs=30"])
    assert remedy(done).startswith("train longer (--set training.epochs=60)")
    assert notice(MATRIX, NAMES, half).endswith("20 wrong pixels: train with --set augmentation.class_crops=0.5")
    assert notice(np.eye(4, dtype=int), NAMES, half) == ""
