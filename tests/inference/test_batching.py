"""Things wait for others of their group, but not for ever."""

from casnet_cli.inference.batching import BatchGroups


def test_a_group_goes_when_it_is_full_and_the_oldest_when_too_many_wait() -> None:
    groups: BatchGroups[int] = BatchGroups(most=4)
    gone = [batch for thing in range(20) for batch in groups.add(thing, thing % 2, limit=3)]
    assert gone[:2] == [[0, 2, 4], [1, 3, 5]] and bool(groups)
    assert sorted(thing for batch in (*gone, *groups.rest()) for thing in batch) == list(range(20)) and not groups
    gone = [batch for thing in range(7) for batch in groups.add(thing, thing, limit=9)]
    assert gone == [[0], [1], [2]] and list(groups.rest()) == [[3], [4], [5], [6]]


def test_what_has_no_group_waits_for_nobody() -> None:
    groups: BatchGroups[str] = BatchGroups()
    assert list(groups.add("a", None, limit=8)) == [["a"]] and not groups
