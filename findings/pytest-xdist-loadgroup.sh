#!/usr/bin/env bash
# pytest-xdist 3.8.0 under pytest 9.2.0: `--dist loadgroup` no longer keeps the tests of a group on one worker.
#
# Expected, and so under pytest 8.4.2: tests marked `xdist_group("network")` run on one worker, and their ids end in
# "@network", by which the scheduler knows them.
# Seen under pytest 9.2.0: the ids have no such end, and the group is spread over the workers, without a warning. A
# fixture that is meant to be made once for the group (a training, say) is made once a worker.
# What helps: a scheduler of one's own (the hook `pytest_xdist_make_scheduler`), or `--dist loadfile`.
#
# Exits 0 if this is what happens, 1 if it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > test_group.py <<'PY'
import time

import pytest


@pytest.mark.xdist_group("network")
@pytest.mark.parametrize("number", range(6))
def test_of_a_group(number):
    time.sleep(0.2)
PY

run() {  # the workers that ran the group, and how many ids carry its name
    python3 -m venv "venv-$1"
    "venv-$1/bin/pip" install --quiet "pytest==$1" pytest-xdist==3.8.0
    "venv-$1/bin/python" -m pytest -v -n 2 --dist loadgroup -p no:cacheprovider test_group.py > "out-$1.txt"
    workers=$(grep -oE '^\[gw[0-9]\]' "out-$1.txt" | sort -u | wc -l)
    named=$(grep -cE '^\[gw[0-9]\].*@network' "out-$1.txt" || true)
    echo "pytest $1, pytest-xdist 3.8.0: $workers worker(s) ran the group, $named of 6 ids name it"
}

run 8.4.2
[ "$workers" = 1 ] && [ "$named" = 6 ] || { echo "changed: pytest 8.4.2 was expected to keep the group together"; exit 1; }
run 9.2.0
[ "$workers" = 2 ] && [ "$named" = 0 ] || { echo "changed: pytest 9.2.0 keeps the group together again"; exit 1; }
