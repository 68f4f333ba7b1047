"""casnet serve, from its start to Ctrl-C."""

import io
import json
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.cli import casnet, start
from helpers.served import HOST, Served
from PIL import Image

from casnet_cli.serving import server
from casnet_cli.util.extras import install


def free_port() -> int:
    with server.listen(HOST, 0) as listener:
        return int(listener.getsockname()[1])


def test_it_answers_as_predict_does_until_it_is_interrupted(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trained)
    ask = Served(free_port())
    with start("serve", "--port", ask.port, tiny=True) as process:
        while True:
            assert process.poll() is None, process.communicate()[1]
            try:
                health = json.loads(ask("GET", "/health")[2])
                break
            except ConnectionRefusedError:
                time.sleep(0.02)
        photo = Path("photos/0.png").read_bytes()
        answer = ask("POST", "/predict", photo, Accept="image/png")
        text = ask("GET", "/")[2].decode()
        process.send_signal(signal.SIGINT)
        stderr = process.communicate(timeout=60)[1]
    assert process.returncode == 0 and stderr.splitlines()[-1] == "stopped"
    assert health["run"].startswith("runs/blocks-001") and "runs/blocks-001" in text
    assert answer[0] == 200
    mask = np.asarray(Image.open(io.BytesIO(answer[2])))
    assert np.array_equal(mask, np.asarray(Image.open("predictions/0.png")))


def test_what_is_in_the_way_is_named(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trained)
    assert "nothing: no such run" in casnet("serve", "nothing", code=2)
    with server.listen(HOST, 0) as listener:
        port = listener.getsockname()[1]
        assert f"127.0.0.1:{port}: cannot listen there" in casnet("serve", "--port", port, code=2)
    monkeypatch.setattr("casnet_cli.workflows.serve.find_spec", lambda name: None)
    stderr = casnet("serve", code=2)
    assert f"starlette, uvicorn: not installed, and pages need it ({install('web')})" in stderr
