"""casnet bench: which numbers there are, and how they depend on each other; never how fast this machine is."""

import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from helpers.datasets import LABELS, write_blocks
from typer.testing import CliRunner

from casnet_cli import recipe as recipes
from casnet_cli.cli import app
from casnet_cli.errors import BackendError, OutOfMemory
from casnet_cli.workflows.bench import timing
from casnet_cli.workflows.bench.target import find_target

TINY = (
    "model.backbone='tiny'",
    "model.weights='none'",
    "model.output_stride=32",
    "model.branch_channels=8",
    "augmentation.crop=33",
    "training.batch_size=2",
)
pytestmark = pytest.mark.usefixtures("tiny", "uncompiled")

DEMO = ["--recipe", "demo", *(word for setting in TINY for word in ("--set", setting))]


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder to stand in, and no more timings than needed."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"SECONDS": 0.0, "SIDE": 16, "STEPS": (1, 1), "IMAGES": (2, 2)}.items():
        monkeypatch.setattr(timing, name, value)


def bench(*words: object, code: int = 0) -> tuple[str, str]:
    """stdout and stderr."""
    done = CliRunner().invoke(app, ["bench", "--repeats", "1", *map(str, words)])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done.stdout, done.stderr


def operations(model: Any, side: int) -> int:
    from casnet_cli.model.flops import multiply_adds

    return multiply_adds(model, side, side)["total"]


def demo_network(classes: int) -> Any:
    from casnet_cli.model.casnet import build_casnet

    return build_casnet(recipes.load(recipes.find("demo"), TINY).model, classes, pretrained=False)


def test_everything_with_data(quick: None, blocks_file: Path) -> None:
    shown, stderr = bench(*DEMO, "--data", blocks_file, "--size", "40x50", "--json", "all.json")
    result = json.loads(Path("all.json").read_text())
    assert list(result) == [field.name for field in fields(timing.BenchResult)] and "not measured" not in stderr
    assert [key for key, value in result.items() if value is None] == ["cascade"]  # of a run only
    assert result["images_per_second"] == pytest.approx(1 / result["forward_seconds"])
    assert result["train_images_per_second"] == pytest.approx(2 / result["train_step_seconds"])
    parts = result["gmac"]
    assert list(parts) == ["backbone", "coarse", "attention", "fine", "total"]
    assert parts["total"] == pytest.approx(sum(parts[name] for name in list(parts)[:-1]))
    step = 2 * 3 * 2 * operations(demo_network(len(LABELS)), 33)  # 2 images, 3 passes, 2 operations a multiply-add
    rate = 1e9 * result["matmul_gflops"]
    assert result["share_of_matmul_rate"] == pytest.approx(step / result["train_step_seconds"] / rate)
    assert result["input_ratio"] > 0 and result["end_to_end_ratio"] > 0 and result["peak_rss_bytes"] > 2**26
    assert "image of 40x50" in shown and "2 images of 33x33" in shown and "backbone" in shown


def test_a_recipe_without_data(quick: None) -> None:
    out, stderr = bench(*DEMO, "--json", "-")
    result = json.loads(out)
    assert {key for key, value in result.items() if value is None} == {"input_ratio", "end_to_end_ratio", "cascade"}
    for what in ("input", "predict"):
        assert f"{what} not measured: data/demo.h5: not there" in stderr
    assert "8 classes (those of demo)" in stderr
    assert result["gmac"]["total"] == operations(demo_network(8), 33) / 1e9


def test_the_forward_pass_alone(quick: None, compiled_again: None) -> None:
    result = json.loads(bench(*DEMO, "--only", "forward", "--size", "65x65", "--json", "-")[0])
    measured = {
        "forward_seconds",
        "images_per_second",
        "gmac",
        "matmul_gflops",
        "share_of_matmul_rate",
        "peak_rss_bytes",
    }
    assert {key for key, value in result.items() if value is not None} == measured
    rate = 2 * operations(demo_network(8), 65) / result["forward_seconds"]
    assert result["share_of_matmul_rate"] == pytest.approx(rate / (1e9 * result["matmul_gflops"]))


def test_the_newest_run_brings_classes_weights_and_data(quick: None, tmp_path: Path) -> None:
    from casnet_cli.runs import checkpoint
    from casnet_cli.runs.progress import Progress
    from casnet_cli.training.step import set_up
    from casnet_cli.training.train_state import assemble

    data = write_blocks(tmp_path / "data" / "blocks.h5", {"train": 4, "val": 1, "test": 2})
    chosen = recipes.load(recipes.find("demo"), TINY)
    state = assemble(chosen, len(LABELS), set_up(chosen.training), pretrained=False)
    best = tmp_path / "runs" / "demo-001" / "checkpoints" / "best.h5"
    best.parent.mkdir(parents=True)
    meta = checkpoint.Meta(chosen, LABELS, "blocks", "0" * 64, None, Progress(), {"best": 0.5})
    checkpoint.save(best, state.model, state.optimizer, meta)
    (best.parents[1] / "run.json").write_text(json.dumps({"data": str(data)}))

    shown = bench("--only", "predict", "--json", "result.json")[0]
    result = json.loads(Path("result.json").read_text())
    measured = {"end_to_end_ratio", "cascade", "gmac", "peak_rss_bytes"}
    assert {key for key, value in result.items() if value is not None} == measured
    early_exit = result["cascade"]
    shares = [
        point["share"] for point in early_exit["points"]
    ]  # of random weights both images may be equally difficult
    assert early_exit["images"] == 2 and shares in ([0, 0.5, 1], [0, 1])
    assert early_exit["chosen"] is None and early_exit["points"][0]["loss"] == 0 < early_exit["never_seconds"]
    assert "never the fine branch" in shown and (best.parents[1] / "fine.png").is_file()
    assert result["gmac"]["total"] == operations(state.model, 33) / 1e9
    assert json.loads(bench("--run", best, "--data", data, "--only", "input", "--json", "-")[0])["input_ratio"] > 0

    target = find_target(None, None, ["training.batch_size=3"], None)
    assert (target.classes, target.checkpoint, target.recipe.training.batch_size) == (
        3,
        best.relative_to(tmp_path),
        3,
    )
    assert [len(target.images(what) or ()) for what in ("input", "predict")] == [4, 2]
    assert "a trained network stays as it is" in bench("--set", "model.branch_channels=9", code=2)[1]
    data.unlink()
    assert "are gone" in find_target(best, None, [], None).obstacle("predict")
    assert "are gone" in bench("--only", "predict", code=2)[1]


@pytest.mark.parametrize(
    ("recipe", "settings", "classes", "whose"),
    [
        ("sift-flow", [], 33, "those of sift-flow"),
        ("camvid-lite", [], 11, "those of camvid"),
        ("folder", [], 21, "a guess"),
        ("demo", ["data.name='mine'"], 21, "a guess"),
    ],
)
def test_classes_of_data_that_are_not_there(
    quick: None, recipe: str, settings: list[str], classes: int, whose: str
) -> None:
    target = find_target(None, recipe, settings, None)
    assert target.classes == classes and f"{classes} classes ({whose}" in target.title
    assert "by --data" in target.obstacle("input") and target.obstacle("input") == target.obstacle("predict")


def test_data_of_a_recipe_are_those_it_would_train_on(quick: None, tmp_path: Path) -> None:
    demo = write_blocks(tmp_path / "data" / "demo.h5", {"train": 3})
    assert find_target(None, "demo", [], None).labels == LABELS
    assert "demo.h5" in find_target(None, "folder", [], None).title  # the data set prepared last
    only_train = write_blocks(tmp_path / "single.h5", {"train": 1})
    target = find_target(None, "folder", [], only_train)
    assert not target.obstacle("input") and target.obstacle("predict") == "the data hold no test or val images"
    demo.write_text("no HDF5")
    assert "not a readable HDF5 file" in bench(*DEMO, code=2)[1]


MISTAKES = (
    (["--recipe", "dmo"], "dmo: no such recipe (did you mean demo?"),
    (["--recipe", "demo", "--size", "0x10"], "0x10: no size of an image (HEIGHTxWIDTH"),
    (["--recipe", "demo", "--size", "abc"], "abc: no size of an image"),
    (["--recipe", "demo", "--size", "10x9000"], "10x9000: no size of an image"),
    (["--recipe", "demo", "--run", "runs/x"], "--run and --recipe: both named (one of the two)"),
    (["--recipe", "demo", "--set", "training.batch=3"], "unknown key training.batch"),
    (["--recipe", "demo", "--only", "all"], "'all' is not one of"),
    (["--recipe", "demo", "--only", "input"], "--only input: data/demo.h5: not there"),
    (["--recipe", "demo", "--data", "x.h5"], "x.h5: no such prepared data set"),
    (["--recipe", "demo", "--json", "none/x.json"], "none/x.json: cannot be written"),
    (["--run", "runs/x"], "runs/x: no such run"),
    ([], "runs/: no run with a checkpoint here"),
)


def test_mistakes_show_one_line_before_the_back_end_is_imported(tmp_path: Path) -> None:
    program = f"""
import sys
from typer.testing import CliRunner
from casnet_cli.cli import app
for words, _ in {MISTAKES!r}:
    done = CliRunner().invoke(app, ["bench", *words])
    print(done.exit_code, ascii(done.stderr))
assert not {{"tensorflow", "keras", "jax", "grain"}} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    for (words, message), line in zip(MISTAKES, lines, strict=True):
        assert line.startswith("2 'error: ") or line.startswith('2 "error: '), (words, line)
        assert message in line.replace("\\'", "'") and line.count("\\n") == 1, (words, line)


def test_ratios_are_of_medians_without_the_first_round() -> None:
    ours, theirs = iter([900.0, 1.0, 6.0, 3.0]), iter([0.0, 2.0, 1.0, 30.0])
    assert timing.in_turn(lambda: next(ours), lambda: next(theirs), 3) == 3 / 2


def test_timings_leave_the_warm_up_out(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    assert len(timing.timings(lambda: calls.append(1), 4, longest=0)) == 4 and len(calls) == 6
    clock = iter(range(0, 1000, 5))
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    assert timing.timings(lambda: None, 1, longest=12) == [5, 5, 5]


def test_shares() -> None:
    result = timing.BenchResult(forward_seconds=0.5, matmul_gflops=100)
    assert timing.share_of_matmul_rate(result, forward=10**10, step=0) == pytest.approx(0.4)
    result.train_step_seconds = 2
    assert timing.share_of_matmul_rate(result, 0, 6 * 10**10) == pytest.approx(0.6)


def test_a_step_too_large_for_the_memory_says_so(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*batch: object) -> None:
        raise OutOfMemory()

    target = find_target(None, "demo", list(TINY), None)
    measures = timing.Bench(target, (33, 33), ["train"], 1)
    measures.step = full  # type: ignore[assignment]
    with pytest.raises(BackendError, match="2 images of 33x33 needs more memory than there is"):
        measures.train(timing.BenchResult())
