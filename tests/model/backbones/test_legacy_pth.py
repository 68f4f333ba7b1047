"""The reader of legacy PyTorch files, against files written here: PyTorch itself is not needed."""

import io
import os
import pickle
import struct
import time
import tracemalloc
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

from casnet_cli.errors import WeightsError
from casnet_cli.model.backbones import legacy_pth
from casnet_cli.model.backbones.legacy_pth import read_state

TYPES = {"f4": "FloatStorage", "i8": "LongStorage"}


class _Global:
    """Pickled as a reference to MODULE.NAME, which need not exist here."""

    def __init__(self, module, name):
        self.module, self.name = module, name

    def __call__(self):  # pickle asks that what it calls be callable
        raise AssertionError


class _Storage:
    def __init__(self, key, array, count=None, view=None):
        self.key, self.array, self.count, self.view = key, array, count, view


class _Tensor:
    def __init__(self, storage, offset, size, stride):
        self.args = (storage, offset, size, stride, False, OrderedDict())


class _Call:
    def __init__(self, function, *args):
        self.function, self.args = function, args


class _Pickler(pickle._Pickler):
    """The Python pickler, so that globals of modules that are not installed can be written."""

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, _Global):
            self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
        elif isinstance(obj, _Tensor):
            self.save_reduce(_Global("torch._utils", "_rebuild_tensor_v2"), obj.args)
        elif isinstance(obj, _Call):
            self.save_reduce(obj.function, obj.args)
        else:
            super().save(obj, save_persistent_id)

    def persistent_id(self, obj):
        if not isinstance(obj, _Storage):
            return None
        kind = _Global("torch", TYPES[obj.array.dtype.str[1:]])
        count = obj.array.size if obj.count is None else obj.count
        return ("storage", kind, obj.key, "cpu", count, obj.view)


def _dump(obj):
    file = io.BytesIO()
    _Pickler(file, 2).dump(obj)
    return file.getvalue()


def _legacy(state, storages=(), magic=legacy_pth.MAGIC, protocol=1001, little=True):
    """The bytes of a legacy file."""
    head = _dump(magic) + _dump(protocol) + _dump({"protocol_version": 1001, "little_endian": little})
    memory = b"".join(struct.pack("<q", s.array.size) + s.array.tobytes() for s in storages)
    return head + _dump(state) + _dump([s.key for s in storages]) + memory


def _write(tmp_path, data):
    path = tmp_path / "weights.pth"
    path.write_bytes(data)
    return path


def _plain():
    floats = _Storage("b", np.arange(6, dtype="<f4"))
    longs = _Storage("a", np.array([2**40], dtype="<i8"))
    state = OrderedDict(w=_Tensor(floats, 0, (2, 3), (3, 1)), n=_Tensor(longs, 0, (), ()))
    return state, [longs, floats]


def _refused(path, words):
    with pytest.raises(WeightsError, match=words) as caught:
        read_state(path)
    assert str(path) in str(caught.value)


def test_reads_both_types_in_the_order_of_the_file(tmp_path):
    state = read_state(_write(tmp_path, _legacy(*_plain())))
    assert list(state) == ["w", "n"]
    np.testing.assert_array_equal(state["w"], np.arange(6, dtype=np.float32).reshape(2, 3), strict=True)
    np.testing.assert_array_equal(state["n"], np.array(2**40), strict=True)
    state["w"][0, 0] = 7  # writable


def test_strides_and_offset_are_honoured(tmp_path):
    memory = _Storage("0", np.arange(20, dtype="<f4"))
    state = {
        "transposed": _Tensor(memory, 2, (3, 4), (1, 3)),
        "spread": _Tensor(memory, 1, (3,), (9,)),
        "repeated": _Tensor(memory, 5, (2, 2), (0, 1)),
        "empty": _Tensor(memory, 20, (0, 3), (3, 1)),
    }
    read = read_state(_write(tmp_path, _legacy(state, [memory])))
    np.testing.assert_array_equal(read["transposed"], np.arange(2, 14).reshape(4, 3).T)
    np.testing.assert_array_equal(read["spread"], [1, 10, 19])
    np.testing.assert_array_equal(read["repeated"], [[5, 6], [5, 6]])
    assert read["empty"].shape == (0, 3)
    assert all(array.flags.c_contiguous for array in read.values())


@pytest.mark.parametrize(
    "offset, size, stride", [(3, (4,), (1,)), (0, (2, 2), (6, 1)), (-1, (2,), (1,)), (5, (2,), (-1,))]
)
def test_tensor_outside_its_storage_is_refused(tmp_path, offset, size, stride):
    memory = _Storage("0", np.arange(6, dtype="<f4"))
    _refused(_write(tmp_path, _legacy({"w": _Tensor(memory, offset, size, stride)}, [memory])), "a tensor")


@pytest.mark.parametrize("place", ["magic", "state", "value"])
def test_other_global_is_refused_and_not_run(tmp_path, monkeypatch, place):
    ran = []
    monkeypatch.setattr(os, "system", ran.append)
    attack = _Call(_Global("os", "system"), "touch owned")
    files = {"magic": _dump(attack), "state": _legacy(attack), "value": _legacy({"w": attack})}
    _refused(_write(tmp_path, files[place]), r"os\.system")
    assert ran == []
    pickle.loads(_dump(attack))  # the attack is a real one
    assert ran == ["touch owned"]


@pytest.mark.parametrize("module, name", [("builtins", "eval"), ("torch", "HalfStorage"), ("torch._utils", "_rebuild")])
def test_globals_close_to_the_allowed_are_refused(tmp_path, module, name):
    _refused(_write(tmp_path, _legacy({"w": _Global(module, name)})), f"'{module}.{name}'")


def test_truncated_file_is_refused_at_every_length(tmp_path):
    data = _legacy(*_plain())
    for length in range(len(data)):
        _refused(_write(tmp_path, data[:length]), "weights.pth: ")


def test_foreign_files_are_refused(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    _refused(_write(tmp_path, buffer.getvalue()), "zip format")
    _refused(_write(tmp_path, b""), "no legacy PyTorch file")
    _refused(_write(tmp_path, b"\x89PNG\r\n\x1a\n" + bytes(100)), "no legacy PyTorch file")
    _refused(_write(tmp_path, pickle.dumps({"w": 1}, 2)), "magic number")
    _refused(_write(tmp_path, pickle.dumps({"w": 1})), "no legacy PyTorch file .has the operation FRAME")
    _refused(tmp_path / "absent.pth", "cannot be read")
    _refused(tmp_path, "cannot be read")


def test_odd_contents_are_refused(tmp_path):
    state, storages = _plain()
    floats = storages[1]
    _refused(_write(tmp_path, _legacy(state, storages, protocol=1000)), "protocol 1000")
    _refused(_write(tmp_path, _legacy(state, storages, little=False)), "little-endian")
    _refused(_write(tmp_path, _legacy([1], storages)), "holds list")
    _refused(_write(tmp_path, _legacy({"epoch": 3})), "'epoch': int")
    _refused(_write(tmp_path, _legacy(state, [floats])), "lacks the storages 'a'")
    _refused(_write(tmp_path, _legacy({}, [floats])), "which no tensor uses")
    view = _Storage("v", floats.array, view=("v0", 0, 2))
    _refused(_write(tmp_path, _legacy({"w": _Tensor(view, 0, (1,), (1,))}, [view])), "view of another")
    short = _Storage("s", floats.array, count=10**12)
    _refused(_write(tmp_path, _legacy({"w": _Tensor(short, 0, (1,), (1,))}, [short])), "truncated")
    _refused(_write(tmp_path, _legacy({"w": _Tensor(3, 0, (1,), (1,))})), "whose storage is 3")


def test_huge_claimed_storage_is_refused_without_allocating_it(tmp_path):
    storage = _Storage("0", np.zeros(1, "<f4"), count=2**40)
    data = _legacy({"w": _Tensor(storage, 0, (1,), (1,))}, [storage])
    data = data[: -(8 + 4)] + struct.pack("<q", 2**40) + bytes(4)
    _refused(_write(tmp_path, data), "storage '0' has 4 of")


def _doubled(times):
    """Pickled, a tuple that holds itself 2 ** times times."""
    value = ()
    for _ in range(times):
        value = (value, value)
    return value


_ONE = _Storage("0", np.zeros(1, "<f4"))
BOMBS = {
    "spread over all memory": (_legacy({"w": _Tensor(_ONE, 0, (1 << 28,), (0,))}, [_ONE]), "more elements than its"),
    "spread many times": (
        _legacy({f"w{n}": _Tensor(_ONE, 0, (1 << 10,), (0,)) for n in range(2000)}, [_ONE]),
        "more elements than its",
    ),
    "quoted": (_legacy({"w": _Tensor(_doubled(60), 0, (1,), (1,))}), "whose storage is tuple"),
    "as a key": (_dump(legacy_pth.MAGIC) + b"\x80\x02})" + b"q\x00h\x00\x86" * 60 + b"K\x01s.", "where a str belongs"),
    "as the protocol": (_dump(legacy_pth.MAGIC) + _dump(_doubled(60)), "has protocol tuple"),
    "remembered far away": (b"\x80\x02K\x01r\xff\xff\xff\x7f.", "magic number is missing"),
    "a huge text": (b"\x80\x02X\xff\xff\xff\x7f", "no legacy PyTorch file"),
    "a huge array": (b"\x80\x05\x96" + b"\xff" * 7 + b"\x00", "no legacy PyTorch file"),
    "endless": (b"\x80\x02" + b"N" * (1 << 20), "more than 131,072 operations"),
}
"""Files of a few kilobytes that take gigabytes or hours where a reader does what they say."""


@pytest.mark.parametrize("name", BOMBS)
def test_small_files_take_little_time_and_memory(tmp_path, name):
    data, words = BOMBS[name]
    path = _write(tmp_path, data)
    begun = time.process_time()
    tracemalloc.start()
    try:
        _refused(path, words)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
    assert time.process_time() - begun < 2


def test_a_file_of_too_many_bytes_is_not_read(tmp_path):
    path = _write(tmp_path, b"")
    os.truncate(path, legacy_pth.LARGEST + 1)
    _refused(path, "536,870,913 bytes")
