"""The manifest: what earlier calls have done counts, and files that are out of date are removed."""

import json
import platform
import subprocess
from pathlib import Path

import pytest
from helpers.datasets import FunctionPredictor
from helpers.predictions import LABELS, by_brightness, label, manifest, picture

from casnet_cli.errors import InputError
from casnet_cli.prediction.image_pipeline import predict_folder
from casnet_cli.prediction.inputs import Job, find_images, shard
from casnet_cli.prediction.manifest import KEYS, Manifest, check_unclaimed
from casnet_cli.prediction.manifest_entry import ManifestEntry
from casnet_cli.prediction.outputs import Outputs
from casnet_cli.runs.manifest_record import LAST_CALL, ManifestLine


def test_lines_have_the_keys_of_their_model_in_its_order(folder: Path) -> None:
    label(folder, reject_below=0.5)
    lines = manifest(folder)
    assert lines and all(list(line) == [*KEYS, "rejected", "mask_digest", "call"] for line in lines)
    for line in lines:
        assert not ManifestLine.model_validate(line).model_extra
    assert list(ManifestEntry.__annotations__) == list(ManifestLine.model_fields)


def test_files_that_no_manifest_names_are_not_written_over(folder: Path) -> None:
    outputs = Outputs(folder.parent / "out", LABELS, "run 1")
    jobs = find_images([folder], outputs.folder)
    check_unclaimed(outputs, jobs)
    outputs.folder.mkdir()
    (outputs.folder / "other.png").touch()
    check_unclaimed(outputs, jobs)
    (outputs.folder / "a.png").write_text("drawn by hand")
    with pytest.raises(InputError, match=r"out/a\.png: exists, and no manifest lists it"):
        check_unclaimed(outputs, jobs)
    (outputs.folder / "a.png").rename(outputs.folder / "summary.csv")
    with pytest.raises(InputError, match=r"out/summary\.csv: exists"):
        check_unclaimed(outputs, jobs)
    (outputs.folder / "summary.csv").unlink()
    label(folder)
    check_unclaimed(outputs, jobs)


def test_what_lies_beside_a_mask_is_cleared_though_a_failure_lay_between(folder: Path) -> None:
    label(folder, extra=("geojson",))
    assert (folder.parent / "out/a.geojson").exists()
    whole = (folder / "a.png").read_bytes()
    (folder / "a.png").write_text("broken")
    assert [record["status"] for record in label(folder)] == ["failed"]
    (folder / "a.png").write_bytes(whole)
    assert [record["status"] for record in label(folder)] == ["ok"]
    assert not (folder.parent / "out/a.geojson").exists() and (folder.parent / "out/sub/b.geojson").exists()


def test_a_mask_made_of_a_namesake_since_is_made_again(folder: Path) -> None:
    other = folder.parent / "other"
    other.mkdir()
    picture(8).save(other / "a.png")

    def call(where: Path) -> list[str]:
        with Manifest(Outputs(folder.parent / "out", LABELS, "run 1")) as manifest:
            jobs = manifest.pending(find_images([where], manifest.outputs.folder))
            return [str(record["file"]) for record in predict_folder(FunctionPredictor(by_brightness), jobs, manifest)]

    assert len(call(folder)) == 2 and call(other) == [str(other / "a.png")]
    assert call(folder) == [str(folder / "a.png")] and call(folder) == []


def call(folder: Path, identity: str, share: tuple[int, int] | None = None, most: int = 9) -> int:
    """Label so many pictures at most, as a run of that name; returns how many were to be labelled."""
    out = folder.parent / "out"
    with Manifest(Outputs(out, LABELS, identity), share) as manifest:
        pending = manifest.pending(find_images([folder], out))
        list(predict_folder(FunctionPredictor(by_brightness), pending[:most], manifest))
    return len(pending)


def test_lines_of_all_shares_count_in_the_order_of_calls(folder: Path) -> None:
    """Another run in between has made all of it anew, though the older share is written to once more."""
    assert call(folder, "run 1", (1, 1)) == 2 and call(folder, "run 2") == 2 and call(folder, "run 1", (1, 1), 1) == 2
    assert call(folder, "run 1", (1, 1)) == 1 and call(folder, "run 1") == 0


def test_a_clock_that_is_set_back_decides_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call(folder, "run 1") == 2
    monkeypatch.setattr("casnet_cli.prediction.manifest.time.time", lambda: 0.0)
    assert call(folder, "run 2") == 2 and call(folder, "run 2") == 0 and call(folder, "run 1") == 2
    assert call(folder, "run 3", (1, 1)) == 2 and call(folder, "run 3") == 0 and call(folder, "run 1") == 2
    assert call(folder, "run 3", (1, 1)) == 2 and call(folder, "run 3", (1, 2)) == 0
    assert [line["call"] for line in manifest(folder)] == [1, 1, 2, 2, 3, 3, 5, 5]


def without(folder: Path, *keys: str) -> None:
    """Leave these keys out of all lines, as old versions do."""
    for file in (folder.parent / "out").glob("manifest*.jsonl"):
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        file.write_text("".join(json.dumps({k: line[k] for k in line if k not in keys}) + "\n" for line in lines))


def test_manifests_of_old_versions_go_on(folder: Path) -> None:
    assert call(folder, "run 1", (1, 1), 1) == 2 and call(folder, "run 1") == 1 and call(folder, "run 1", (1, 2)) == 0
    without(folder, "call", "mask_digest")
    assert call(folder, "run 1") == 0 and call(folder, "run 1", (1, 1)) == 0
    picture(7).save(folder / "new.png")
    assert call(folder, "run 1") == 1 and manifest(folder)[-1]["call"] == 1


def test_old_lines_of_two_runs_are_nobodys(folder: Path) -> None:
    """Nothing says which of them is the later one."""
    assert call(folder, "run 1", (1, 1)) == 2 and call(folder, "run 2") == 2
    without(folder, "call", "mask_digest")
    assert call(folder, "run 1") == 2 and call(folder, "run 1", (1, 1)) == 0


def test_of_two_calls_at_once_the_one_whose_mask_is_there_holds(folder: Path) -> None:
    out, jobs = folder.parent / "out", find_images([folder], folder.parent / "out")
    inverted = FunctionPredictor(lambda image: by_brightness(255 - image))
    with (
        Manifest(Outputs(out, LABELS, "run 1"), (1, 1)) as one,
        Manifest(Outputs(out, LABELS, "run 2"), (1, 2)) as other,
    ):
        list(predict_folder(inverted, jobs[:1], other))
        list(predict_folder(FunctionPredictor(by_brightness), jobs, one))
        list(predict_folder(inverted, jobs[1:], other))
    lines = [json.loads(line) for file in out.glob("*.jsonl") for line in file.read_text().splitlines()]
    assert [line["call"] for line in lines] == [1] * 4
    with Manifest(Outputs(out, LABELS, "run 1")) as later:
        assert later.pending(jobs) == jobs[1:] and [line["file"] for line in later.usable()] == [str(jobs[0].file)]
    with Manifest(Outputs(out, LABELS, "run 2")) as later:
        assert later.pending(jobs) == jobs[:1]


def test_a_slow_call_of_another_run_is_found_by_its_masks(folder: Path) -> None:
    """Its number is the smaller one, and it has written last."""
    out, jobs = folder.parent / "out", find_images([folder], folder.parent / "out")
    with Manifest(Outputs(out, LABELS, "run 1"), (1, 1)) as slow:
        assert call(folder, "run 0", (1, 2), 1) == 2 and call(folder, "run 2") == 2
        list(predict_folder(FunctionPredictor(lambda image: by_brightness(255 - image)), jobs, slow))
    assert call(folder, "run 2") == 2 and call(folder, "run 2") == 0


def test_a_number_without_a_next_one_is_refused(folder: Path) -> None:
    label(folder)
    out = folder.parent / "out"
    line = manifest(folder)[0] | {"call": LAST_CALL - 1}
    (out / "manifest-1-of-2.jsonl").write_text(json.dumps(line) + "\n")
    with pytest.raises(InputError, match="its calls have no numbers any more"):
        Manifest(Outputs(out, LABELS, "run 1"))


def test_what_lies_beside_a_mask_is_of_the_same_prediction_or_removed(folder: Path) -> None:
    geojson = folder.parent / "out" / "a.geojson"
    label(folder, extra=("geojson",))
    assert geojson.exists() and len(label(folder, identity="run 2", overlay=False)) == 2
    assert not geojson.exists() and not geojson.with_name("a.overlay.jpg").exists()
    assert len(label(folder, identity="run 2")) == 2 and label(folder, identity="run 2") == []
    geojson.write_text("of somebody else")
    assert len(label(folder, identity="run 2", extra=("geojson",))) == 2
    assert json.loads(geojson.read_text())["type"] == "FeatureCollection"


def test_what_a_kill_leaves_is_cleared(folder: Path) -> None:
    label(folder)
    out = folder.parent / "out"
    dead = subprocess.Popen(["true"])
    dead.wait()
    left = out / f".a.png.{platform.node()}-{dead.pid}.part"
    left.write_text("half")
    others = out / ".a.png.elsewhere-1.part"  # of a process on another machine, perhaps alive
    others.write_text("half")
    with open(out / "manifest.jsonl", "a") as file:
        file.write('{"file": "half a li')
    assert label(folder) == []
    assert not left.exists() and others.exists() and len(manifest(folder)) == 2


@pytest.mark.parametrize("line", ["{bad", "[]", '{"file": 3}', '{"status": "ok"}', ""])
def test_foreign_lines_in_the_manifest_stop_nothing(folder: Path, line: str) -> None:
    (folder.parent / "out").mkdir()
    (folder.parent / "out" / "manifest.jsonl").write_text(line + "\n")
    assert len(label(folder)) == 2 and label(folder) == []


@pytest.mark.parametrize(
    "change",
    [
        {"file": []},
        {"mask": []},
        {"outputs": None},
        {"outputs": None, "mask": None},
        {"outputs": [[]]},
        {"frames": "x"},
        {"status": "failed"},
    ],
)
def test_lines_with_values_of_another_type_stop_nothing(folder: Path, change: dict[str, object]) -> None:
    label(folder)
    line = {**manifest(folder)[0], **change, "time": 1e12, "call": 9}
    with open(folder.parent / "out/manifest.jsonl", "a") as file:
        file.write(json.dumps(line) + "\n")
    assert label(folder) == []


def test_foreign_lines_are_shown_and_what_they_name_stays(folder: Path) -> None:
    label(folder)
    out, precious = folder.parent / "out", folder.parent / "precious.png"
    precious.write_text("not to be lost")
    lines = manifest(folder)
    evil = [line | {"mask": mask} for line in lines for mask in ("../precious.png", str(precious), "../in/a.png")]
    (out / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in evil))
    shown: list[str] = []
    with Manifest(Outputs(out, LABELS, "run 2", overlay=False), warn=shown.append) as opened:
        jobs = opened.pending(find_images([folder], out))
        assert len(list(predict_folder(FunctionPredictor(by_brightness), jobs, opened))) == 2
    assert shown == [
        f"{out}/manifest.jsonl: 6 lines are not casnet's and left out, line 1 first: mask '../precious.png' is no name "
        "of a file below the folder"
    ]
    assert precious.read_text() == "not to be lost" and (folder / "a.png").exists()


def test_beside_foreign_lines_masks_must_fit_their_lines(folder: Path) -> None:
    """The damaged line may have been that of another run."""
    label(folder)
    lines = manifest(folder)
    assert len(label(folder, identity="run 2", reject_below=0.9)) == 2
    path = folder.parent / "out" / "manifest.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + "damaged\n" * 2)
    assert len(label(folder)) == 2 and label(folder) == []


def test_a_last_line_too_deep_to_parse_is_cut_off(folder: Path) -> None:
    label(folder)
    with open(folder.parent / "out/manifest.jsonl", "a") as file:
        file.write("[" * 200_000)
    assert label(folder) == [] and len(manifest(folder)) == 2


def test_a_second_process_is_refused_and_shares_are_not(folder: Path) -> None:
    outputs = Outputs(folder.parent / "out", LABELS, "run 1")
    with Manifest(outputs):
        with pytest.raises(InputError, match="another process"):
            Manifest(outputs)
        with Manifest(outputs, (1, 2)):
            pass
    with Manifest(outputs):
        pass


def test_shares_are_disjoint_complete_and_join(folder: Path) -> None:
    for index in range(40):
        picture(index).save(folder / f"{index:02d}.png")
    out = folder.parent / "out"
    jobs = find_images([folder], out)
    shares = [list(shard(jobs, number, 3)) for number in (1, 2, 3)]
    assert sorted(job.file for share in shares for job in share) == sorted(job.file for job in jobs)
    assert all(5 < len(share) < 25 for share in shares)
    for number, share in enumerate(shares, 1):
        with Manifest(Outputs(out, LABELS, "run 1"), (number, 3)) as manifest:
            list(predict_folder(FunctionPredictor(by_brightness), manifest.pending(share), manifest))
    lines = "".join(file.read_text() for file in sorted(out.glob("manifest-*-of-3.jsonl")))
    assert {json.loads(line)["file"] for line in lines.splitlines()} == {str(job.file) for job in jobs}
    picture(99).save(folder / "new.png")
    with Manifest(Outputs(out, LABELS, "run 1")) as whole:
        assert whole.pending(jobs) == []
        assert [job.file.name for job in whole.pending(find_images([folder], out))] == ["new.png"]
    assert list(shard(jobs, 2, 3)) == [job for job in shard(find_images([folder], out), 2, 3) if job.stem.name != "new"]


def test_jobs_of_one_image_from_stdin_are_never_done_before(folder: Path) -> None:
    outputs = Outputs(folder.parent / "out", LABELS, "run 1")
    (job,) = find_images([Path("-")], outputs.folder)
    assert job == Job(Path("-"), Path("stdin"))
    with Manifest(outputs) as manifest:
        manifest.add({"file": "-", "status": "ok", "mask": "stdin.png", "made_with": "run 1"})
        (outputs.folder / "stdin.png").touch()
        assert manifest.pending([job]) == [job]
