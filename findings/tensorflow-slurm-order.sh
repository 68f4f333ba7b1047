#!/usr/bin/env bash
# tensorflow 2.21.0: under Slurm one would expect each rank to get the address of the node that it runs on. The cluster
# resolver sorts nodes by their letters, so that with n9 and n10 rank 0, which Slurm starts on n9, is told to be n10;
# and it reads only names with one range at their end.
set -euo pipefail
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
python3 -m venv "$root/venv"
"$root/venv/bin/pip" install --quiet 'tensorflow-cpu==2.21.0'
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES='' "$root/venv/bin/python" - <<'PROGRAM' 2>"$root/stderr" || { cat "$root/stderr"; exit 1; }
import os
import sys

import tensorflow as tf

os.environ |= {"SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "2", "SLURM_STEP_TASKS_PER_NODE": "1(x2)"}


def workers(nodes):
    os.environ["SLURM_STEP_NODELIST"] = nodes
    resolver = tf.distribute.cluster_resolver.SlurmClusterResolver
    try:
        return resolver(gpus_per_node=1, gpus_per_task=1, auto_set_gpu=False).cluster_spec().as_dict()["worker"]
    except ValueError as error:
        return str(error).splitlines()[0]


order = workers("n[9-10]")
print(f"tensorflow {tf.__version__}: n[9-10] gives {order} by rank, where Slurm starts rank 0 on n9")
others = [workers(nodes) for nodes in ("rack[1]n[01-02]", "n[1-2]-ib")]
for seen in others:
    print(f"where scontrol show hostnames gives two names: {seen}")
sys.exit(order != ["n10:8888", "n9:8888"] or not all("Invalid" in str(seen) for seen in others))
PROGRAM
