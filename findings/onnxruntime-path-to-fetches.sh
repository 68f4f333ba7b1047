#!/usr/bin/env bash
# onnxruntime 1.32.0: RunOptions.only_execute_path_to_fetches should compute what the outputs that are asked for need, and
# nothing else. The package from the index computes every node of the file all the same: several outputs in one file cost
# as much as all of them together, whichever is taken.
set -euo pipefail
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
python3 -m venv "$root/venv"
"$root/venv/bin/pip" install --quiet 'onnxruntime==1.32.0' 'onnx==1.23.2'
cd "$root"
"$root/venv/bin/python" - <<'PROGRAM'
import json
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

both = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in ("sine", "root")]
nodes = [helper.make_node("Sin", ["x"], ["sine"]), helper.make_node("Sqrt", ["x"], ["root"])]
graph = helper.make_graph(nodes, "two", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4])], both)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
onnx.checker.check_model(model)
options = onnxruntime.SessionOptions()
options.enable_profiling = True
session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
chosen = onnxruntime.RunOptions()
chosen.only_execute_path_to_fetches = True
session.run(["sine"], {"x": np.arange(4, dtype=np.float32)}, chosen)
with open(session.end_profiling()) as file:
    events = json.load(file)
seen = sorted(event["args"]["op_name"] for event in events if event["name"].endswith("_kernel_time"))
print(f"onnxruntime {onnxruntime.__version__}: the output sine alone should compute ['Sin'], and computes {seen}")
sys.exit(seen != ["Sin", "Sqrt"])
PROGRAM
