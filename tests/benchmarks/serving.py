"""`casnet serve` under load: clients that ask at once and without a pause, for some time.

python tests/benchmarks/serving.py RUN FOLDER [--clients 8] [--seconds 60]       # FOLDER: of pictures

Prints answers by status, the time that they took, and the server's memory after the first answers and at the end. Exits
with 1 if an answer failed with another status than 503, or if memory grew by more than a tenth.
"""

import argparse
import http.client
import itertools
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

HOST, PORT = "127.0.0.1", 8765
FORMS = ("application/json", "image/png", "application/geo+json")
SETTLED = 0.25
"""Share of the time after which memory should grow no more."""


def memory(process: "subprocess.Popen[bytes]") -> float:
    """Resident memory in MiB."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def ask(method: str, path: str, body: bytes | None = None, **headers: str) -> int:
    connection = http.client.HTTPConnection(HOST, PORT, timeout=300)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def client(number: int, pictures: list[bytes], end: float, found: list[tuple[int, float]]) -> None:
    for turn in itertools.count(number):
        began = time.monotonic()
        if began > end:
            return
        try:
            status = ask("POST", "/predict", pictures[turn % len(pictures)], Accept=FORMS[turn % len(FORMS)])
        except OSError:
            status = 0
        found.append((status, time.monotonic() - began))
        if status == 503:
            time.sleep(1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("run")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60)
    given = parser.parse_args()
    pictures = [file.read_bytes() for file in sorted(given.folder.iterdir())]
    command = [sys.executable, "-m", "casnet_cli", "serve", given.run, "--port", str(PORT)]
    with subprocess.Popen(command) as process:
        while process.poll() is None:
            try:
                ask("GET", "/health")
                break
            except ConnectionRefusedError:
                time.sleep(0.1)
        for picture in pictures:  # each size once
            ask("POST", "/predict", picture)
        found: list[tuple[int, float]] = []
        began = time.monotonic()
        clients = [
            threading.Thread(target=client, args=(number, pictures, began + given.seconds, found))
            for number in range(given.clients)
        ]
        for each in clients:
            each.start()
        time.sleep(given.seconds * SETTLED)
        settled = memory(process)
        for each in clients:
            each.join()
        seconds, final = time.monotonic() - began, memory(process)
        process.terminate()
    statuses = Counter(status for status, _ in found)
    times = sorted(took for status, took in found if status == 200)
    print(f"{given.clients} clients, {seconds:.0f} s: {len(times) / seconds:.1f} answers/s; by status {dict(statuses)}")
    print(f"seconds an answer: median {times[len(times) // 2]:.2f}, longest {times[-1]:.2f}")
    print(f"memory: {settled:.0f} MiB after {given.seconds * SETTLED:.0f} s, {final:.0f} MiB at the end")
    sys.exit(bool(statuses.keys() - {200, 503}) or final > 1.1 * settled or not times)


if __name__ == "__main__":
    main()
