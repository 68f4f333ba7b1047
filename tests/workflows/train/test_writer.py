"""The run folder as a training takes hold of it."""

import errno
import fcntl
import json
from pathlib import Path

import pytest
from helpers.checkpoints import meta_after, write_checkpoint, write_run
from helpers.datasets import write_blocks

from casnet_cli import console
from casnet_cli import recipe as recipes
from casnet_cli.data.store import Store
from casnet_cli.errors import RunBusy, RunError
from casnet_cli.recipe import Recipe
from casnet_cli.runs.checkpoint import read_meta
from casnet_cli.runs.folder import RunFolder
from casnet_cli.workflows.recipe_choice import Choice
from casnet_cli.workflows.train.plan import RunPlan, Start
from casnet_cli.workflows.train.writer import RunWriter

RUN = Path("runs/begun")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.chdir(tmp_path)
    return Store(write_blocks(Path("data/blocks.h5"), {"train": 12, "val": 3}))


def recipe(*more: str) -> Recipe:
    return recipes.load(recipes.find("folder"), ["training.epochs=2", "training.batch_size=4", *more])


def opened(store: Store, start: Start, *more: str) -> RunWriter:
    plan = RunPlan.of(Choice("folder", recipe(*more), store.path, ""), store, None)
    return RunWriter(plan, start, start.progress())


def test_a_new_run_gets_the_next_free_folder(store: Store) -> None:
    for number in (1, 2):
        with opened(store, Start()) as writer:
            assert writer.path == Path(f"runs/folder-00{number}")
            assert recipes.load(writer.folder.recipe) == recipe()
            about = json.loads(writer.folder.record.read_text())
            assert (about["data"], about["init"], about["continued"]) == (str(store.path.resolve()), None, [])


def test_a_run_that_another_process_trains_is_left_alone(store: Store) -> None:
    write_run(RUN, store, meta_after(store, recipe(), 1))
    start = Start(RUN, saved=read_meta(RunFolder(RUN).last))
    with opened(store, start), pytest.raises(RunBusy, match="runs/begun: another process is training this run"):
        opened(store, start)
    opened(store, start).close()


def test_a_file_system_without_locks_is_no_obstacle(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(file: object, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", fail)
    console.configure()
    for _ in range(2):
        opened(store, Start()).close()
    assert capsys.readouterr().err.count("has no locks") == 1


def test_a_lock_that_fails_is_one_line(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(file: object, operation: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(RunError, match="runs/begun: cannot be locked: Input/output error"):
        opened(store, Start(RUN))


def test_a_run_that_went_on_since_its_checkpoint_was_read_is_left_alone(store: Store) -> None:
    run = write_run(RUN, store, meta_after(store, recipe(), 1))
    run.recipe.write_text(recipes.dumps(recipe()))
    start = Start(RUN, saved=read_meta(run.last))
    write_checkpoint(run.last, meta_after(store, recipe(), 2))  # by a process that has ended by now
    message = r"runs/begun: another process has just trained it \(go on once more by --resume\)"
    with pytest.raises(RunBusy, match=message):
        opened(store, start, "training.epochs=3")
    assert "epochs = 2" in run.recipe.read_text()
    opened(store, Start(RUN, saved=read_meta(run.last)), "training.epochs=3").close()
    assert "epochs = 3" in run.recipe.read_text()


def test_a_run_that_goes_on_keeps_how_it_was_begun(store: Store) -> None:
    with opened(store, Start(RUN, init=Path("runs/other.h5"))) as writer:
        write_checkpoint(writer.folder.last, meta_after(store, recipe(), 1))
    first = json.loads(writer.folder.record.read_text()) | {"command": ["casnet", "train"], "casnet": "0.0.1"}
    writer.folder.record.write_text(json.dumps(first))
    for _ in range(2):
        opened(store, Start(RUN, saved=read_meta(writer.folder.last)), "training.epochs=3").close()
    about = json.loads(writer.folder.record.read_text())
    assert list(about) == list(first), "the same keys in the same order"
    assert {key: about[key] for key in about if key != "continued"} == {
        key: first[key] for key in first if key != "continued"
    }
    assert [(each["after_step"], each["changes"]) for each in about["continued"]] == [
        (3, ["training.epochs: 2 → 3"])
    ] * 2
    assert list(about["continued"][0]) == [
        *("after_step", "changes", "casnet", "python", "packages", "host", "machine", "command", "back_end")
    ]
    assert "after step 3: training.epochs: 2 → 3" in writer.folder.log_file.read_text()
