"""Files that were made to do harm, or were damaged: each is one line and exit code 2, and nothing is left of it."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import struct
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

import pullback as pb
from pullback.train import files as _files

from ._files_untrusted import LABELS, X
from .cli import _cli
from .cli._cli import QUICK, child, files, table

# loaded before memory is measured
for needed in ("pandas", "pyarrow", "sklearn", "matplotlib"):
    pytest.importorskip(
        needed, reason="the command line reads tables by what the extra train brings"
    )

folder, pullback = _cli.folder, _cli.pullback  # fixtures

DEEP = 100_000


# ── .npz ──────────────────────────────────────────────────────────────────────────────────────


def npy(array=X, header=None, version=b"\1\0", data=None):
    """The bytes of an .npy file, with another header or other data."""
    if header is None:
        out = io.BytesIO()
        np.save(out, array, allow_pickle=True)
        return out.getvalue()
    text = (header if isinstance(header, str) else repr(header)).encode()
    size = struct.pack("<H" if version == b"\1\0" else "<I", len(text))
    return b"\x93NUMPY" + version + size + text + (array.tobytes() if data is None else data)


def told(shape, descr="<f8", fortran=False):
    return {"descr": descr, "fortran_order": fortran, "shape": shape}


def npz(x=None, y=None, method=zipfile.ZIP_STORED, **more):
    """The bytes of an .npz file of these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("X.npy", npy() if x is None else x)
        archive.writestr("y.npy", npy(LABELS) if y is None else y)
        for name, content in more.items():
            archive.writestr(name, content)
    return out.getvalue()


def patched(data, offset, value):
    """An archive with a field of every member's headers changed, in the local and the central one."""
    data = bytearray(data)
    for signature, shift in ((b"PK\3\4", 0), (b"PK\1\2", 2)):
        at = data.find(signature)
        while at >= 0:
            struct.pack_into("<H", data, at + offset + shift, value)
            at = data.find(signature, at + 4)
    return bytes(data)


def twice():
    """The second of two names of the same length renamed to the first."""
    return npz(**{"Z.npy": npy()}).replace(b"Z.npy", b"X.npy")


def bomb():
    """96 MiB of zeros in 100 kB."""
    return npz(npy(np.zeros((12, 8 << 20), np.uint8)), method=zipfile.ZIP_DEFLATED)


def flipped(data):
    """One bit of the first array's data is another one: the checksum is wrong."""
    at = data.find(X.tobytes()) + 40
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


OBJECTS = npy(np.asarray([None, {}], dtype=object))
NPZ = {
    "a member that is no .npy": (lambda: npz(b"hello, this is text"), "'X.npy' is no .npy file"),
    "an empty member": (lambda: npz(b""), "'X.npy' is no .npy file"),
    "a text beside": (lambda: npz(y=b"0 1 0 1"), "'y.npy' is no .npy file"),
    "an unknown compression": (lambda: patched(npz(), 8, 97), "packed by the method 97"),
    "LZMA": (lambda: npz(method=zipfile.ZIP_LZMA), "packed by the method 14"),
    "encryption": (lambda: patched(npz(), 6, 1), "is encrypted"),
    "a wrong checksum": (lambda: flipped(npz()), "'X.npy' cannot be read"),
    "a name twice": (twice, "two arrays called 'X'"),
    "another version": (lambda: npz(npy(header=told((12, 2)), version=b"\7\0")), "no .npy file"),
    "a huge header": (lambda: npz(npy(header=" " * 70_000, version=b"\2\0")), "a header of 70,000 bytes"),
    "a header without end": (lambda: npz(b"\x93NUMPY\2\0\xff\xff\xff\x7f{}"), "a header of 2,147,483,647"),
    "a header nested deep": (lambda: npz(npy(header="(" * 9000)), "its header is none"),
    "a header that calls": (lambda: npz(npy(header="__import__('os').abort()")), "its header is none"),
    "no shape": (lambda: npz(npy(header={"descr": "<f8", "fortran_order": False})), "its header is none"),
    "a shape of words": (lambda: npz(npy(header=told(("a", 2)))), "is damaged: shape ('a', 2)"),
    "a negative shape": (lambda: npz(npy(header=told((-12, -2)))), "is damaged: shape (-12, -2)"),
    "a shape of 27 GiB": (lambda: npz(npy(header=told((60_000, 60_000)))), "28,800,000,000 bytes, it holds 192"),
    "a shape beyond 64 bits": (lambda: npz(npy(header=told((2**70,)))), "is damaged: shape (1180591"),
    "a shape of 5,000 digits": (lambda: npz(npy(header=f"{{'shape': ({'9' * 5000},)}}")), "its header is none"),
    "200 axes": (lambda: npz(npy(np.zeros(1), told((1,) * 200))), "is damaged: shape (1, 1"),
    "texts of no length": (lambda: npz(y=npy(header=told((2**40,), "<U0"), data=b"")), "is damaged: shape (1099"),
    "an unknown dtype": (lambda: npz(npy(header=told((12, 2), "<q9"))), "its header is none"),
    "another dtype": (lambda: npz(npy(header=told((12, 2), "<f4"))), "are 96 bytes, it holds 192"),
    "pickled objects": (lambda: npz(OBJECTS), "it holds Python objects"),
    "pickled labels": (lambda: npz(y=OBJECTS), "it holds Python objects"),
    "records": (lambda: npz(npy(np.zeros(12, "i4,f4"))), "not real numbers"),
    "dates": (lambda: npz(npy(X.astype("M8[s]"))), "not real numbers"),
    "NaN labels": (lambda: npz(y=npy(np.where(LABELS, np.nan, 1.0))), "y[1] is nan"),
    "a pickle": (lambda: pickle.dumps({"X": X}), "cannot be read as an .npz file"),
    "one array": (npy, "holds a single array"),
    "cut in the middle": (lambda: npz()[:200], "cannot be read as an .npz file"),
    "cut in the directory": (lambda: npz()[:-30], "cannot be read as an .npz file"),
    "a bomb": (bomb, "times its size"),
}  # fmt: skip


# ── IDX ───────────────────────────────────────────────────────────────────────────────────────


def idx(*shape, code=8, data=b"", rank=None):
    rank = len(shape) if rank is None else rank
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, code, rank, *shape) + data


MOST = 2**32 - 1
IDX = {
    "rank 255": (lambda: idx(*(1,) * 255, data=b"x"), "255 axes"),
    "rank 255 and nothing": (lambda: idx(rank=255), "255 axes"),
    "0 x 2^32 rows": (lambda: idx(0, MOST, MOST, MOST), "there is nothing in it"),
    "2^32 rows of 0": (lambda: idx(MOST, 0), "there is nothing in it"),
    "2^128 numbers": (lambda: idx(MOST, MOST, MOST, MOST), "is damaged"),
    "27 GiB": (lambda: idx(60_000, 60_000, code=14), "28,800,000,012 bytes, this one has 12"),
    "one number": (lambda: idx(data=b"x"), "shape ()"),
    "cut in the sizes": (lambda: idx(rank=3) + b"\0\0", "ends within its sizes"),
    "cut": (lambda: idx(12, 2, 2, data=b"x" * 47), "is damaged"),
    "longer": (lambda: idx(12, 2, 2, data=b"x" * 49), "is damaged"),
    "an unknown dtype": (lambda: idx(12, 2, code=7, data=b"x" * 24), "not an IDX file"),
    "NaN": (lambda: idx(12, 1, code=13, data=struct.pack(">12f", *[np.nan] * 12)), "nan, not finite"),
    "gz, cut": (lambda: gzip.compress(idx(12, 2, data=b"x" * 24))[:-9], "cannot be unpacked"),
    "gz of more": (lambda: gzip.compress(idx(12, 2, data=b"x" * 5000)), "this one has more"),
    "gz of less": (lambda: gzip.compress(idx(12, 2, data=b"x" * 5)), "this one has 17"),
    "gz of a lie": (lambda: gzip.compress(idx(60_000, 60_000, data=b"x" * 5)), "times its size"),
    "gz, a bomb": (lambda: gzip.compress(idx(12, 1 << 24, data=bytes(12 << 24))), "times its size"),
    "gz, a bomb behind little": (lambda: gzip.compress(idx(12, 1, data=bytes(12 << 24))), "has more"),
    "gz, two": (lambda: gzip.compress(idx(12, 2, data=b"x" * 24)) * 2, "this one has more"),
}  # fmt: skip

# ── CSV and TOML ──────────────────────────────────────────────────────────────────────────────

GOOD = "a,b,k\n" + "1,2,x\n3,4,y\n" * 10
CSV = {
    "ragged": (lambda: GOOD + "1,2\n", "2 columns"),
    "a huge field": (lambda: GOOD + f"1,2,{'z' * 200_000}\n", "malformed CSV: field larger"),
    "a huge number": (lambda: GOOD + f"1,{'9' * 5000},x\n", "not finite"),
    "a huge label": (lambda: "a,k\n" + "".join(f"1,{'9' * 5000}\n" for _ in range(9)), "not finite"),
    "NUL in a cell": (lambda: GOOD + "1\0,2,x\n", "row 22: a NUL byte"),
    "only NULs": (lambda: "\0" * 5000, "row 1: a NUL byte"),
    "a BOM and nothing": (lambda: "\ufeff", "is empty"),
    "a quote without end": (lambda: GOOD + '1,2,"x', "malformed CSV"),
    "NaN labels": (lambda: "a,k\n" + "1,nan\n2,1.5\n" * 9, "the target is empty"),
    "an escape sequence": (lambda: GOOD + "\x1b[2Jboo,2,x\n", "\\x1b[2Jboo"),
    "lines in a name": (lambda: '"a\n\nb",k\n1,\n', "the target is empty"),
    "a .npz inside": (lambda: npz(), "is a zip archive"),
}  # fmt: skip

TOML = {
    "nested deep": (lambda: "data = " + "[" * 5000, "not valid TOML"),
    "tables nested deep": (lambda: "a = " + "{a = " * 5000, "not valid TOML"),
    "5,000 digits": (lambda: f"seed = {'9' * 5000}", "not valid TOML"),
    "5,000 hexadecimal digits": (lambda: f"epochs = -0x1\nseed = 0x{'f' * 5000}", "toml"),
    "a rate of 400 digits": (lambda: f"learning_rate = {'9' * 400}", "learning_rate: "),
    "a rate of 5,000 hexadecimal digits": (lambda: f"l2 = 0x{'f' * 5000}", "an integer of 20,000 bits"),
    "a NUL in the data": (lambda: 'data = "a\\u0000b"', "a\\x00b"),
    "a NUL in a path": (lambda: 'data = "a\\u0000b.csv"', "a\\x00b.csv"),
    "a NUL in the name": (lambda: 'data = "iris"\nname = "a\\u0000b"', "name: 'a\\x00b'"),
    "a NUL in the file": (lambda: 'data = "a\0b"', "not valid TOML"),
    "a name twice": (lambda: "seed = 1\nseed = 2", "not valid TOML"),
    "not UTF-8": (lambda: b'data = "\xff"', "not UTF-8"),
    "infinite": (lambda: "learning_rate = inf", "learning_rate: inf"),
    "a date": (lambda: "seed = 1979-05-27", "seed: "),
    "2 MiB": (lambda: "# " + "x" * (2 << 20), "no file of settings"),
    "layers of 2^64": (lambda: "hidden = [18446744073709551616]", "hidden: "),
}  # fmt: skip

TABLE = [
    *[(["train", "hostile.npz"], *row, f"npz, {name}") for name, row in NPZ.items()],
    *[(["train", "hostile.idx"], *row, f"IDX, {name}") for name, row in IDX.items()],
    *[(["train", "hostile.csv"], *row, f"CSV, {name}") for name, row in CSV.items()],
    *[(["train", "--config", "hostile.toml"], *row, f"TOML, {name}") for name, row in TOML.items()],
]


def refused(pullback, arguments, part, before):
    """One line, exit code 2, no memory to speak of, and nothing but what was there before."""
    tracemalloc.start()
    try:
        code, out, err = pullback(*arguments)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (code, out, len(err)) == (2, [], 1), (code, out, err)
    assert part in err[0]
    assert len(err[0]) < 1300
    assert err[0].isprintable()
    assert peak < 60 << 20
    assert files(".") == before


@pytest.mark.parametrize(
    ("arguments", "content", "part"), [row[:3] for row in TABLE], ids=[row[3] for row in TABLE]
)
def test_a_hostile_file_is_one_line(pullback, arguments, content, part):
    data = content()
    Path(arguments[-1]).write_bytes(data if isinstance(data, bytes) else data.encode())
    Path("labels.idx").write_bytes(idx(12, data=bytes(LABELS.astype(np.uint8))))
    more = ["--target", "labels.idx"] if arguments[-1] == "hostile.idx" else []
    del data
    refused(pullback, [*arguments, *more], part, files("."))


# ── models ────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The bytes of a small model."""
    from pullback.train import cli

    place, before = tmp_path_factory.mktemp("model"), Path.cwd()
    os.chdir(place)
    try:
        table("t.csv")
        assert cli.main(["train", "t.csv", *QUICK, "--name", "t"]) == 0
        return Path("runs/t/model.safetensors").read_bytes()
    finally:
        os.chdir(before)


def with_header(data, change):
    """The file with its JSON header changed as a text."""
    size = struct.unpack("<Q", data[:8])[0]
    text = change(data[8 : 8 + size].decode()).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data[8 + size :]


def with_content(data, change):
    """The file with its metadata, a JSON text within JSON, changed as a text."""

    def changed(text):
        head = json.loads(text)
        head["__metadata__"]["pullback"] = change(head["__metadata__"]["pullback"])
        return json.dumps(head)

    return with_header(data, changed)


def with_metadata(*path, value):
    def change(text):
        content = json.loads(text)
        part = content
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = value
        return json.dumps(content)

    return lambda data: with_content(data, change)


def with_version(text):
    return lambda data: with_content(
        data, lambda t: t.replace('"version": 1', f'"version": {text}')
    )


def with_scale(mean, scale):
    return with_metadata("metadata", "standardize", value={"mean": mean, "scale": scale})


SIZES = ("architecture", "sizes")
FOREIGN = "does not say what it is"
MODELS = {
    "metadata nested deep": (lambda d: with_content(d, lambda t: "[" * DEEP), FOREIGN),
    "metadata nested deep inside": (lambda d: with_content(d, lambda t: t[:-1] + ', "a": ' + "[" * DEEP), FOREIGN),
    "Infinity": (with_version('Infinity'), FOREIGN),
    "NaN": (with_version('NaN'), FOREIGN),
    "an infinite size": (with_metadata(*SIZES, value=[2, float("inf"), 3]), FOREIGN),
    "beyond float64": (with_version('1e999'), FOREIGN),
    "5,000 digits": (with_version("9" * 5000), FOREIGN),
    "a name twice": (with_version('1, "version": 1'), FOREIGN),
    "a list": (lambda d: with_content(d, lambda t: "[]"), FOREIGN),
    "no JSON": (lambda d: with_content(d, lambda t: "{"), FOREIGN),
    "27 GiB": (with_metadata(*SIZES, value=[4, 60_000, 60_000, 3]), "it lacks layers.2.W"),
    "27 GiB in as many layers": (with_metadata(*SIZES, value=[2, 60_000, 60_000]), "layers.0.W has shape (2, 4)"),
    "a million layers": (with_metadata(*SIZES, value=[1] * 300_000), "299,999 layers, and 4 tensors"),
    "negative sizes": (with_metadata(*SIZES, value=[-2, -4, -3]), "has shape (2, 4)"),
    "fractions": (with_metadata(*SIZES, value=[2.0, 4.0, 3.0]), FOREIGN),
    "truth": (with_metadata(*SIZES, value=[True, 4, 3]), FOREIGN),
    "no sizes": (with_metadata(*SIZES, value=[]), "it has layers.0.W"),
    "an unknown dtype": (with_metadata("architecture", "dtype", value="object"), "not (2, 4) and object"),
    "a kind that is no text": (with_metadata("architecture", "kind", value=["MLP"] * 1000), "not an MLP"),
    "classes in one text": (with_metadata("metadata", "classes", value="abc"), "not from `pullback train`"),
    "fewer classes": (with_metadata("metadata", "classes", value=["a"]), "another architecture"),
    "another task": (with_metadata("metadata", "task", value="poetry"), "not from `pullback train`"),
    "means as texts": (with_scale(["nan", "1"], [1, 1]), "not from"),
    "no means": (with_scale([None, 1], [1, 1]), "not from"),
    "a scale of 0": (with_scale([1, 1], [0, 1]), "not from"),
    "a mean of 400 digits": (with_scale([10**400, 1], [1, 1]), "not from"),
    "a header of 2^63 bytes": (lambda d: struct.pack("<Q", 2**63) + d[8:], "or is damaged"),
    "a header of 8 GB": (lambda d: struct.pack("<Q", 2**33) + d[8:], "or is damaged"),
    "a header nested deep": (lambda d: with_header(d, lambda t: "[" * DEEP), "or is damaged"),
    "offsets beyond the end": (lambda d: with_header(d, lambda t: t.replace('s":[0,', 's":[99999,')), "or is damaged"),
    "another dtype": (lambda d: with_header(d, lambda t: t.replace('"F32"', '"F99"')), "or is damaged"),
    "integers": (lambda d: with_header(d, lambda t: t.replace('"F32"', '"I32"')), "int32, not"),
    "a pickle": (lambda d: pickle.dumps({"layers": X}), "or is damaged"),
    "a zip": (lambda d: npz(), "or is damaged"),
    "8 bytes": (lambda d: d[:8], "or is damaged"),
}  # fmt: skip


@pytest.mark.parametrize("case", MODELS)
def test_a_hostile_model_is_one_line(pullback, trained, case):
    damage, part = MODELS[case]
    table("t.csv")
    Path("hostile.safetensors").write_bytes(damage(trained))
    assert Path("hostile.safetensors").read_bytes() != trained
    refused(pullback, ["predict", "hostile.safetensors", "t.csv"], part, files("."))


# ── what is no file ───────────────────────────────────────────────────────────────────────────


def no_file(kind, path):
    """Something else under a file's name; a loop of links, a link to nothing, a socket."""
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "nothing":
        path.symlink_to("missing")


KINDS = {
    "folder": "is a folder",
    "pipe": "is a pipe, a socket or a device",
    "device": "is a pipe, a socket or a device",
    "loop": "cannot read",
    "nothing": "no such file",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "h.csv"],
        ["train", "h.npz"],
        ["train", "h.idx"],
        ["train", "--config", "h.toml"],
        ["predict", "h.safetensors", "t.csv"],
    ],
    ids=lambda a: a[-1] if a[-1] != "t.csv" else a[1],
)
def test_what_is_no_file_is_told_and_not_waited_for(pullback, arguments, kind):
    table("t.csv")
    name = next(a for a in arguments if a.startswith("h."))
    no_file(kind, Path(name))
    message = KINDS[kind]
    if name == "h.safetensors":
        message = {"folder": "has no model", "loop": "no such run", "nothing": "no such run"}.get(
            kind, message
        )
    refused(pullback, arguments, message, files("."))


def test_links_to_files_are_files(pullback):
    table("real.csv")
    Path("link.csv").symlink_to("real.csv")
    assert pullback("train", "link.csv", *QUICK)[0] == 0


def test_how_far_a_file_may_unpack_is_a_setting(monkeypatch, tmp_path):
    path = tmp_path / "zeros.npz"
    np.savez_compressed(path, X=np.zeros((12, 6 << 20), np.uint8), y=LABELS)
    with pytest.raises(pb.train.InputError, match="set PULLBACK_UNPACK_RATIO=") as caught:
        pb.train.load_dataset(path)
    monkeypatch.setenv("PULLBACK_UNPACK_RATIO", str(caught.value).rpartition("=")[2])
    assert pb.train.load_dataset(path).x.shape == (12, 6 << 20)
    monkeypatch.setenv("PULLBACK_UNPACK_RATIO", "much")
    with pytest.raises(pb.train.InputError, match="PULLBACK_UNPACK_RATIO='much' is not a number"):
        pb.train.load_dataset(path)


# ── what killed runs leave ────────────────────────────────────────────────────────────────────


@pytest.fixture
def gone():
    """The number of a process that is no more."""
    process = child("--help")
    process.communicate(timeout=60)
    return process.pid


def left(path, days=0.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"half")
    os.utime(path, (time.time() - 86400 * days,) * 2)
    return path


def test_what_killed_runs_left_is_swept(pullback, gone):
    table("t.csv")
    runs = Path("runs")
    mine, parent = os.getpid(), os.getppid()
    swept = [
        left(runs / "t" / f".model.safetensors.{gone}.tmp"),
        left(runs / "empty" / f".run.toml.{gone}.tmp"),
        left(runs / "old" / f".metrics.csv.{parent}.tmp", days=2),
    ]
    kept = [
        left(runs / "t" / f".model.safetensors.{mine}.tmp"),
        left(runs / "t" / f".model.safetensors.{parent}.tmp"),
        left(runs / "t" / f".other.bin.{gone}.tmp"),
        left(runs / "t" / f"model.safetensors.{gone}.tmp"),
        left(runs / "t" / "model.safetensors"),
        left(Path(f".model.safetensors.{gone}.tmp")),
        left(runs / "t" / "deeper" / f".model.safetensors.{gone}.tmp"),
    ]
    (runs / "t" / f".run.toml.{gone}.tmp").symlink_to("model.safetensors")
    (runs / "nothing").mkdir()
    assert pullback("train", "t.csv", *QUICK, "--name", "new")[0] == 0
    assert not any(path.exists() for path in swept)
    assert all(path.exists() for path in kept)
    assert (runs / "t" / f".run.toml.{gone}.tmp").is_symlink()
    assert files(runs) == ["new", "nothing", "t"]


def test_a_writer_sweeps_beside_its_file(gone, tmp_path):
    old = left(tmp_path / f".p.csv.{gone}.tmp")
    other = left(tmp_path / f".q.csv.{gone}.tmp")
    _files.write_atomic(tmp_path / "p.csv", "new")
    assert (old.exists(), other.exists()) == (False, True)


def test_a_name_with_nul_is_one_line(tmp_path):
    for call in (
        lambda: _files.write_atomic(tmp_path / "a\0b", b"x"),
        lambda: _files.read_bytes("a\0b"),
        lambda: _files.make_run_folder(tmp_path, "a\0b", exact=False),
        lambda: pb.train.load_dataset("a\0b.csv"),
        lambda: pb.train.load("a\0b"),
        lambda: pb.train.predict_file("a\0b", "a\0b"),
        lambda: pb.train.read_config("a\0b"),
    ):
        with pytest.raises(pb.train.InputError) as caught:
            call()
        assert "\0" not in str(caught.value)
    assert files(tmp_path) == []
