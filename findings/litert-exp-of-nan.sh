#!/usr/bin/env bash
# ai-edge-litert 2.3.0: the exponential of NaN should be NaN, as in TensorFlow, which converted the model. It is 0: a
# softmax written out, as a network with logits that are no numbers ends in, then gives numbers that look right.
set -euo pipefail
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
python3 -m venv "$root/venv"
"$root/venv/bin/pip" install --quiet 'ai-edge-litert==2.3.0' 'numpy==2.4.6'
"$root/venv/bin/python" - 2>/dev/null <<'PROGRAM'
import base64
import sys
import zlib
from importlib.metadata import version

import numpy as np
from ai_edge_litert.interpreter import Interpreter

# tf.function(lambda x: {"y": tf.exp(x)}, input_signature=[tf.TensorSpec((1, 4))]), converted by TensorFlow 2.21.0
MODEL = """
eNplUT1LA0EQfZecMeAZAzkkRYoIqS8mBqwsQowQyAfEIBZCFHLgFblAPEXBX2FtaWnhr7Cysha0sPAf2Hm+3Z0LEud4MPt25828uRKA0UF3x0
UZJRThIg+HXBY2c5AziIiKBTSIbgpIwwRTNAibeIvj2Ja8QLQG/aP28LAz6I977VFzvzlqUtfR2lkYjeTtNAjH88swCqb++MqfXwSzECvkH4kH
4p64lfd30ueUyMscWeQWuoqraDajuYzUqXAWHm3t8+X1e72wV35PixdbVwF1r17ztv9rKO2at2uuJD5+4viT+CI2eO51O8NyaxbSR+RPPHBlep
fgjEl3pZkTXu33mDgRT6rP9CwIVcXfWlf3d7AmteJ9y5H8nHuxpMaS2ZbPKemlejzzvbrKS726KxJP5NUeOxOfPyS6SeqsxR43tQ+IExOrZE1L
V2ZOZrf1Z87XS1qW9Ha0L2hW+akareovsmlIwA==
"""
interpreter = Interpreter(model_content=zlib.decompress(base64.b64decode(MODEL)))
interpreter.allocate_tensors()
interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.array([[0, np.nan, 1, 2]], np.float32))
interpreter.invoke()
seen = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]
print(f"ai-edge-litert {version('ai-edge-litert')}: exp([0, nan, 1, 2]) should have a nan, and is {seen.tolist()}")
sys.exit(bool(seen[1] != 0))
PROGRAM
