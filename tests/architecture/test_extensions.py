"""What grows costs one new file and at most two lines elsewhere: a file of each kind is added here, and used.

The files lie in a folder of their own; the lines are the changes of tables in `added`.
"""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import predictions
from helpers.cli import BEST, casnet, tiny_settings
from helpers.datasets import write_blocks

from casnet_cli import cli
from casnet_cli.data import sources
from casnet_cli.data.pixels import formats as pixels_formats
from casnet_cli.data.store import Store
from casnet_cli.evaluation import detailed_metrics
from casnet_cli.export import formats
from casnet_cli.prediction import output_kinds

FILES = {
    "negative": '''
"""An output of predict: what is no object, in a text file."""
from casnet_cli.prediction.output_kinds import OutputKind

def write(file, picture):
    file.write_text(f"{picture.name}: {(picture.result.mask == 0).mean():.3f}")

KIND = OutputKind("negative", ".negative.txt", (), write)
''',
    "digits": '''
"""A format of pictures: greys in hexadecimal digits, below their width and height."""
import numpy as np
from casnet_cli.data.pixels.formats import PictureFormat
from casnet_cli.data.pixels.picture import GREY, Picture, PictureInfo

def info(file):
    width, height = map(int, file.readline().split()[1:])
    return PictureInfo("digits", (width, height), 8, "uint8", (GREY,))

def read(file):
    found = info(file)
    values = np.frombuffer(bytes.fromhex(file.read().decode()), np.uint8)
    return Picture(found, values.reshape(found.size[1], found.size[0], 1))

FORMAT = PictureFormat("digits", (".digits",), lambda head: head.startswith(b"digits "), info, read, "greys of 8 bits")
''',
    "kerasfile": '''
"""An export format: Keras's own file."""
from casnet_cli.export.base import ExportFormat

def write(model, spec, folder):
    model.save(folder / FORMAT.file)
    return folder / FORMAT.file

def load(file):
    import keras
    from casnet_cli.inference.keras_predictor import KerasPredictor
    from casnet_cli.inference.predictor import InferenceSettings
    return KerasPredictor(keras.models.load_model(file), InferenceSettings()).predict

FORMAT = ExportFormat(name="kerasfile", file="model.keras", write=write, precisions=("float32",), load=load)
''',
    "stripes": '''
"""A data source: PNG images below a folder, striped by their columns."""
import io
from functools import partial
import numpy as np
from PIL import Image
from casnet_cli.data.sources.base import Entry, Sample, Source
from casnet_cli.labels import with_colors

def load(file):
    width, height = Image.open(io.BytesIO(file.read_bytes())).size
    return Sample(file.read_bytes(), np.tile(np.arange(width, dtype=np.uint8) % 2, (height, 1)))

def entries(root):
    return [Entry("train", file.stem, partial(load, file)) for file in sorted(root.glob("*.png"))]

SOURCE = Source("stripes", with_colors(("even", "odd")), entries, folder="stripes", counts=(("train", 2),))
''',
    "void_share": '''
"""A metric: the share of void pixels."""
class VoidShare:
    def __init__(self):
        self.void = self.pixels = 0

    def add(self, truth, outputs):
        self.void, self.pixels = self.void + int((truth == 255).sum()), self.pixels + truth.size

    def summary(self):
        return {"void_share": self.void / self.pixels}
''',
    "hello": '''
"""casnet hello: a command."""
from typing import Annotated
import typer

def command(name: Annotated[str, typer.Argument(help="Who is greeted.")] = "you") -> None:
    """Greet somebody."""
    typer.echo(f"hello {name}")
''',
}

HELP = """
import sys
from casnet_cli.export import formats
from casnet_cli.prediction import output_kinds
import kerasfile, negative
output_kinds.OUTPUT_KINDS["negative"] = negative.KIND
formats.FORMATS["kerasfile"] = kerasfile.FORMAT
from casnet_cli.cli import main
main()
"""


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the new files, named in the tables; it is also the current one."""
    folder = tmp_path / "new"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / f"{name}.py").write_text(text.lstrip())
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(folder)
    new = {name: importlib.import_module(name) for name in FILES if name != "hello"}
    monkeypatch.setitem(output_kinds.OUTPUT_KINDS, "negative", new["negative"].KIND)
    monkeypatch.setitem(pixels_formats.FORMATS, "digits", new["digits"].FORMAT)
    monkeypatch.setitem(formats.FORMATS, "kerasfile", new["kerasfile"].FORMAT)
    monkeypatch.setitem(sources.SOURCES, "stripes", "stripes")
    monkeypatch.setitem(detailed_metrics.METRICS, "void_share", lambda setup: new["void_share"].VoidShare())
    monkeypatch.chdir(tmp_path)
    return folder


def test_an_output_of_predict(added: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    predictions.picture(1).save(tmp_path / "in" / "a.png")
    (record,) = predictions.label(tmp_path / "in", extra=("negative",))
    with predictions.opened(tmp_path / "out" / "a.png") as mask:
        share = (np.asarray(mask) == 0).mean()
    assert (tmp_path / "out" / "a.negative.txt").read_text() == f"a.png: {share:.3f}" and 0 < share < 1
    assert ".negative.txt" in str(record["outputs"]) and "negative" in output_kinds.save_choices()


def test_a_format_of_pictures(added: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.digits").write_bytes(b"digits 3 2\n" + b"00ff00" + b"ffff00")
    (record,) = predictions.label(tmp_path / "in")
    assert record["status"] == "ok"
    with predictions.opened(tmp_path / "out" / "a.png") as mask:
        assert (np.asarray(mask) == [[0, 1, 0], [1, 1, 0]]).all()
    assert "format: digits" in casnet("info", tmp_path / "in" / "a.digits")


def test_choices_of_options_are_those_of_the_tables(added: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(added), *filter(None, sys.path)]), "COLUMNS": "200"}
    for verb, name in (("predict", "negative"), ("export", "kerasfile")):
        words = [sys.executable, "-c", HELP, verb, "--help"]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and name in done.stdout, done.stderr


def test_a_data_source(added: Path, tmp_path: Path) -> None:
    (tmp_path / "stripes").mkdir()
    for seed in range(2):
        predictions.picture(seed).save(tmp_path / "stripes" / f"{seed}.png")
    assert "stripes" in casnet("prepare", "nonsense", code=2)
    casnet("prepare", "stripes", "--source", "stripes")
    store = Store(tmp_path / "data" / "stripes.h5")
    assert store.labels.names == ("even", "odd") and store.names == {"train": ["0", "1"]}


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras, in `Model.save`
@pytest.mark.usefixtures("tiny", "uncompiled")
def test_a_backbone_an_export_format_and_a_metric(added: Path, tmp_path: Path) -> None:
    """The backbone is the tests' own, `helpers.tiny_backbone`: a file, and its name in two places."""
    write_blocks(tmp_path / "data" / "blocks.h5", {"train": 4, "val": 1, "test": 1})
    casnet("train", "folder", *tiny_settings("training.epochs=1", "evaluation.samples=0"))
    assert "tiny at stride 16" in casnet("info", BEST)
    casnet("eval", "--worst", 0)
    run = tmp_path / "runs" / "blocks-001"
    assert 0 < json.loads((run / "eval" / "test" / "metrics.json").read_text())["void_share"] < 0.1
    from casnet_cli.workflows.export import ExportOptions, export

    assert export(None, None, ExportOptions("kerasfile", "float32", None, probabilities=False, two_files=False))
    folder = run / "export" / "kerasfile-float32"
    assert (folder / "model.keras").is_file() and json.loads((folder / "export.json").read_text())["proved"]


def test_a_command(added: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = importlib.import_module("casnet_cli.commands")
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(added)])
    monkeypatch.setattr(cli.app, "registered_commands", list(cli.app.registered_commands))
    cli._add_command("hello")
    assert casnet("hello", "world") == "hello world\n" and "Greet somebody." in casnet("--help")
    monkeypatch.delitem(sys.modules, "casnet_cli.commands.hello")
