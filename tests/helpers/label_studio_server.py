"""Label Studio's own server, from PyPI, on this machine alone, and its REST API."""

import json
import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from helpers.tool_environments import tool_python

REQUIREMENT = "label-studio==1.23.2"
STARTING = 300
"""Seconds that the first start may take: it makes the tables of its data base."""


class LabelStudio:
    """A running server."""

    def __init__(self, url: str, token: str, python: Path):
        self.url, self.token, self.python = url, token, python

    def download(self, path: str, method: str = "GET", body: object = None) -> bytes:
        """The answer of the API. Fails the test with its words if it refuses."""
        content = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Token {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, content, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            pytest.fail(f"{method} {path}: {error.code} {error.read()[:1000]!r}")

    def call(self, path: str, method: str = "GET", body: object = None) -> Any:
        return json.loads(self.download(path, method, body))

    def project(self, tasks: Path, pictures: Path) -> int:
        """A project as the guide makes it: labelling interface, storage of local files, import. Returns its number."""
        interface = tasks.with_suffix(".xml").read_text()
        project = self.call("/api/projects", "POST", {"title": f"{tasks.parent.name} 1", "label_config": interface})[
            "id"
        ]
        storage = {"project": project, "path": str(pictures), "use_blob_urls": False, "title": "pictures"}
        self.call("/api/storages/localfiles/", "POST", storage)
        self.call(f"/api/projects/{project}/import", "POST", json.loads(tasks.read_text()))
        return int(project)

    def tasks(self, project: int) -> list[dict[str, Any]]:
        """In the order of the import, with their predictions."""
        listed = self.call(f"/api/tasks?project={project}&fields=all&page_size=100")["tasks"]
        return [self.call(f"/api/tasks/{one['id']}") for one in sorted(listed, key=lambda one: int(one["id"]))]

    def annotate(self, task: dict[str, Any], result: list[dict[str, Any]]) -> None:
        """Submit regions, as a person does who has corrected the prediction."""
        body = {"result": result, "parent_prediction": task["predictions"][0]["id"], "lead_time": 3.0}
        self.call(f"/api/tasks/{task['id']}/annotations/", "POST", body)

    def export(self, project: int, form: str, file: Path) -> Path:
        """Annotated tasks in one of its forms."""
        file.write_bytes(self.download(f"/api/projects/{project}/export?exportType={form}"))
        return file


@contextmanager
def label_studio(folder: Path, documents: Path) -> Iterator[LabelStudio]:
    """The server, its data below `folder`; it serves pictures below `documents`. Skips if it is not to be had."""
    python = tool_python(REQUIREMENT)
    folder.mkdir(parents=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(20)
    settings = {
        "HOME": str(folder),
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
        "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(documents),
    }
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | settings
    words = ["start", "--no-browser", "--internal-host", "127.0.0.1", "--port", port, "--data-dir", folder / "data"]
    words += ["--username", "me@example.org", "--password", secrets.token_hex(8), "--user-token", token]
    command = [str(python.with_name("label-studio")), *map(str, words), "--enable-legacy-api-token"]
    log = folder / "log.txt"
    with open(log, "wb") as written:
        process = subprocess.Popen(
            command, stdout=written, stderr=subprocess.STDOUT, env=surroundings, start_new_session=True, cwd=folder
        )
    try:
        _wait(f"http://127.0.0.1:{port}/health", process, log)
        yield LabelStudio(f"http://127.0.0.1:{port}", token, python)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    ends = time.monotonic() + STARTING
    while time.monotonic() < ends:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"{REQUIREMENT} does not start: {log.read_text(errors='replace')[-2000:]}")
