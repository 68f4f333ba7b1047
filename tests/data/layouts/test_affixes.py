"""The rule by which names of pictures and of masks belong together."""

import unicodedata

import pytest

from casnet_cli.data.layouts.affixes import find_rule, folded


@pytest.mark.parametrize(
    ("picture", "mask", "pattern"),
    [
        ("{}_sat", "{}_mask", "{stem}_sat:{stem}_mask"),
        ("ISIC_{}", "ISIC_{}_segmentation", "{stem}:{stem}_segmentation"),
        ("img_{}", "mask_{}", "img_{stem}:mask_{stem}"),
        ("{}", "{}.jpg", "{stem}:{stem}.jpg"),
        ("{}", "{}_masks", "{stem}:{stem}_masks"),
        ("{}_training", "{}_manual1", "{stem}_training:{stem}_manual1"),
        ("image_{}", "gt_{}", "image_{stem}:gt_{stem}"),
        ("car{}", "mask{}", "car{stem}:mask{stem}"),
        ("a{}z", "{}", "a{stem}z:{stem}"),
    ],
)
def test_rules_of_many_names(picture: str, mask: str, pattern: str) -> None:
    numbers = range(95, 130)
    rule = find_rule([picture.lower().format(n) for n in numbers], [mask.lower().format(n) for n in numbers])
    assert rule and rule.pattern == pattern.lower()
    for number in numbers:
        cores = rule.core(picture.lower().format(number)), rule.mask_core(mask.lower().format(number))
        assert cores[0] == cores[1] and str(number) in str(cores[0])


def test_names_of_which_few_agree_have_no_rule() -> None:
    assert find_rule(["cat", "dog"], ["mask", "label"]) is None
    assert find_rule(["street-012"], ["street-011_old"]) is None, "a number is never cut in two"
    assert find_rule([f"a{n}" for n in range(20)], [f"b{n}" for n in range(100, 120)]) is None


def test_a_third_without_masks_does_not_hide_the_rule() -> None:
    rule = find_rule([f"img_{n}" for n in range(90)], [f"lbl_{n}" for n in range(60)])
    assert rule and rule.pattern == "img_{stem}:lbl_{stem}"


def test_case_and_unicode_form_do_not_matter() -> None:
    name = "Café ÄÖ"
    assert folded(unicodedata.normalize("NFD", name).upper()) == folded(unicodedata.normalize("NFC", name))
