"""What the names of pictures and of their masks have before and behind the part in which they agree."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

SAMPLES = 24
"""Names by which a rule is looked for."""

NEAR = 12
"""Names of masks that are compared with one of these."""

TRIED = 8
"""Rules, the most frequent ones, that are tried on all names."""


@dataclass(frozen=True)
class AffixRule:
    """How the name of a mask follows from that of its picture: both have one core, between parts that are constant."""

    before: str = ""
    """What a picture's name has before the core, in small letters."""
    behind: str = ""
    """What it has behind the core."""
    mask_before: str = ""
    """What a mask's name has before the core."""
    mask_behind: str = ""
    """What it has behind the core."""

    @property
    def size(self) -> int:
        """Number of characters outside of the core: the fewer, the longer the agreement."""
        return sum(map(len, (self.before, self.behind, self.mask_before, self.mask_behind)))

    @property
    def pattern(self) -> str:
        """As `--pair` takes it, without endings."""
        return f"{self.before}{{stem}}{self.behind}:{self.mask_before}{{stem}}{self.mask_behind}"

    def core(self, name: str) -> str | None:
        """The core of a folded picture's name; None if the name is not of this form."""
        return _between(name, self.before, self.behind)

    def mask_core(self, name: str) -> str | None:
        """The core of a folded mask's name; None if the name is not of this form."""
        return _between(name, self.mask_before, self.mask_behind)


def _between(name: str, before: str, behind: str) -> str | None:
    if len(name) > len(before) + len(behind) and name.startswith(before) and name.endswith(behind):
        return name[len(before) : len(name) - len(behind)]
    return None


def folded(name: str) -> str:
    """The name with neither case nor Unicode form: two that look alike are equal."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).lower())


def find_rule(pictures: Sequence[str], masks: Sequence[str]) -> AffixRule | None:
    """The rule that pairs most of these folded names, among such the one of the longest agreement; None: there is none.

    A rule has to pair at least half of the pictures or of the masks, and never cuts a number in two.
    """
    pictures, masks = sorted(set(pictures)), sorted(set(masks))
    frequency = Counter(token for name in masks for token in set(_tokens(name)))
    votes: Counter[AffixRule] = Counter()
    for name in pictures[:: max(1, len(pictures) // SAMPLES)]:
        votes.update({rule for other in _similar(name, masks, frequency) if (rule := _rule(name, other))})
    tried = sorted(votes, key=lambda rule: (-votes[rule], rule.size, rule.pattern))[:TRIED]
    paired = {rule: _paired(rule, pictures, masks) for rule in tried}
    enough = [rule for rule in tried if 2 * paired[rule] >= min(len(pictures), len(masks))]
    return min(enough, key=lambda rule: (-paired[rule], rule.size, rule.pattern), default=None)


def _tokens(name: str) -> list[str]:
    return re.findall(r"\d+|[^\W\d_]+", name)


def _similar(name: str, masks: Sequence[str], frequency: Counter[str]) -> list[str]:
    """A few masks that hold the rarest part of the name."""
    tokens = sorted((token for token in _tokens(name) if frequency[token]), key=lambda token: frequency[token])
    for token in tokens[:1]:
        number = token.isdigit()
        holding = [one for one in masks if token in (_tokens(one) if number else one)]
        return sorted(holding, key=lambda one: (abs(len(one) - len(name)), one))[:NEAR]
    return [one for one in masks if name in one][:NEAR]


def _rule(name: str, mask: str) -> AffixRule | None:
    """The rule by the longest part that both names have; None if it ends inside of a number or a word."""
    length, start, place = _longest_common(name, mask)
    if not length or not any(character.isalnum() for character in name[start : start + length]):
        return None
    core = name[start : start + length]
    left, right = (re.match(r"[\W_]*", text) for text in (core, core[::-1]))
    assert left and right
    start, place, length = start + left.end(), place + left.end(), length - left.end() - right.end()
    rule = AffixRule(name[:start], name[start + length :], mask[:place], mask[place + length :])
    core = name[start : start + length]
    whole = not rule.before and not rule.behind or not rule.mask_before and not rule.mask_behind
    for before, behind in ((rule.before, rule.behind), (rule.mask_before, rule.mask_behind)):
        for one, other in ((before[-1:], core[0]), (core[-1], behind[:1])):
            if one.isdigit() and other.isdigit() or not whole and one.isalpha() and other.isalpha():
                return None
    return rule


def _longest_common(one: str, other: str) -> tuple[int, int, int]:
    """Length of the longest part that two texts have in common, and its place in each."""
    best, lengths = (0, 0, 0), [0] * (len(other) + 1)
    for row, character in enumerate(one, 1):
        previous = 0
        for column, second in enumerate(other, 1):
            previous, lengths[column] = lengths[column], previous + 1 if character == second else 0
            if lengths[column] > best[0]:
                best = (lengths[column], row - lengths[column], column - lengths[column])
    return best


def _paired(rule: AffixRule, pictures: Sequence[str], masks: Sequence[str]) -> int:
    cores = {rule.mask_core(name) for name in masks} - {None}
    return sum(rule.core(name) in cores for name in pictures)
