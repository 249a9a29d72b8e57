"""A trained policy's folder, as somebody may have edited it."""

import base64
import io
import json
import os
import pickle
import stat
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from hostile.cases_ledger import instead, write
from hostile.cases_tables import array_file, claiming, npy, zipped

from agents.learned import DESCRIPTION, MODEL, NORMALISATION
from decent_gym.errors import DataError

MARK: Final = "it-ran"


class Payload:
    """Unpickling this creates a file in the current folder."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path(MARK),)


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def member(file: str, name: str, data: bytes) -> Callable[[Path], object]:
    """An archive of the folder with one member more, or another."""
    return lambda folder: (folder / file).write_bytes(
        zipped(*{**members(folder / file), name: data}.items())
    )


def weight(value: Any) -> Callable[[Path], object]:
    """A model with another value in place of its first weight."""

    def change(folder: Path) -> None:
        path = folder / MODEL
        weights = torch.load(io.BytesIO(members(path)["policy.pth"]), weights_only=True)
        member(MODEL, "policy.pth", torch_bytes({**weights, next(iter(weights)): value}))(folder)

    return change


def torch_bytes(value: Any) -> bytes:
    written = io.BytesIO()
    torch.save(value, written)
    return written.getvalue()


def serialized(value: Any) -> bytes:
    """The entry ``data`` of a model, as Stable-Baselines3 writes and reads it."""
    text = base64.b64encode(pickle.dumps(value)).decode()
    return json.dumps({"policy_class": {":type:": "x", ":serialized:": text}}).encode()


def scripted() -> bytes:
    """What torch.jit saves."""
    written = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is on its way out
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), written)
    return written.getvalue()


def link_in(file: str, name: str, target: str) -> Callable[[Path], object]:
    """An archive of the folder in which a member is a symbolic link."""

    def change(folder: Path) -> None:
        inside = members(folder / file)
        with zipfile.ZipFile(folder / file, "w") as archive:
            for other, data in inside.items():
                info = zipfile.ZipInfo(other)
                info.external_attr = (stat.S_IFLNK | 0o777) << 16 if other == name else 0
                archive.writestr(info, target if other == name else data)

    return change


def described(**fields: Any) -> Callable[[Path], object]:
    """policy.json with other fields."""

    def change(folder: Path) -> None:
        path = folder / DESCRIPTION
        path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))

    return change


def text(old: str, new: str) -> Callable[[Path], object]:
    """policy.json with a piece of its text replaced."""

    def change(folder: Path) -> None:
        path = folder / DESCRIPTION
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))

    return change


def mean(shape: str, descr: str = "'<f8'") -> Callable[[Path], object]:
    """Normalisation whose mean has a header of its own."""
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"
    return member(NORMALISATION, "observation_mean.npy", npy(header, bytes(8 * 77)))


def deep(n: int) -> Any:
    value: Any = torch.zeros(1, dtype=torch.int8)
    for _ in range(n):
        value = [value]
    return value


# what was done to a good folder
POLICY: Final = [
    ("a pickle beside the weights", "runs code, pickle",
     member(MODEL, "data", serialized(Payload())),
     DataError, ("model.zip holds 'data', which we never write", "is not loaded")),
    ("weights that are a pickle", "runs code, pickle",
     member(MODEL, "policy.pth", torch_bytes(Payload())),
     DataError, "model.zip holds more than tensors, or less"),
    ("weights that hold a pickle", "runs code, pickle",
     member(MODEL, "policy.pth", torch_bytes({"w": Payload()})),
     DataError, "model.zip holds more than tensors, or less"),
    ("a bare pickle for weights", "runs code, pickle",
     member(MODEL, "policy.pth", pickle.dumps(Payload())),
     DataError, "model.zip: policy.pth is no zip archive"),
    ("an optimiser that is a pickle", "runs code, pickle",
     member(MODEL, "policy.optimizer.pth", torch_bytes(Payload())),
     DataError, "model.zip holds more than tensors, or less"),
    ("an array that is a pickle", "runs code, pickle",
     member(NORMALISATION, "observation_mean.npy", array_file(np.array([Payload()] * 77, object))),
     DataError, "observation_mean must be float64 of shape (77,) as numpy.savez writes it"),
    ("a program for weights", "runs code", member(MODEL, "policy.pth", scripted()),
     DataError, "policy.pth is a program of TorchScript; it is not loaded"),
    ("a link for weights", "path", link_in(MODEL, "policy.pth", "/etc/hostname"),
     DataError, "policy.pth is no zip archive"),
    ("a name that climbs", "path", member(MODEL, "../policy.pth", b""), DataError, "never write"),
    ("a name from the root", "path", member(MODEL, "/policy.pth", b""), DataError, "never write"),
    ("a scenario that climbs", "path", described(scenario="../x.toml"),
     DataError, "scenario must be a name without folders, got '../x.toml'"),
    ("a scenario from the root", "path", described(scenario="/x.toml"),
     DataError, "without folders"),
    ("a weight of 2^40 by its strides", "huge shape, bomb",
     weight(torch.zeros(1).expand(2**40)), DataError, "must be a tensor of finite numbers"),
    ("a weight that is nowhere", "damage", weight(torch.zeros(2, device="meta")),
     DataError, "must be a tensor of finite numbers"),
    ("a sparse weight", "damage", weight(torch.zeros(2).to_sparse()), DataError, "a tensor of fin"),
    ("a complex weight", "damage", weight(torch.zeros(2, dtype=torch.complex64)),
     DataError, "must be a tensor of finite numbers"),
    ("a weight of eight bits", "damage", weight(torch.zeros(2).to(torch.float8_e4m3fn)),
     DataError, "must be a tensor of finite numbers"),
    ("a weight NaN", "NaN", weight(torch.full((2,), torch.nan)), DataError, "of finite numbers"),
    ("a weight infinite", "infinity", weight(torch.full((2,), torch.inf)), DataError, "of finite"),
    ("a weight that is a number", "shape", weight(5.0), DataError, "must be a tensor"),
    ("a weight of another shape", "shape", weight(torch.zeros(3)), DataError, "does not fit"),
    ("an optimiser of 2^40 by its strides", "huge shape, bomb",
     member(MODEL, "policy.optimizer.pth", torch_bytes({"state": [torch.zeros(1).expand(2**40)]})),
     DataError, "model.zip holds a tensor that is no plain array of floats"),
    ("an optimiser with a bad tensor deep inside", "nesting",
     member(MODEL, "policy.optimizer.pth", torch_bytes({"state": deep(300)})),
     DataError, "model.zip holds a tensor that is no plain array of floats"),
    ("a member of 4 GB", "bomb", lambda folder: (folder / MODEL).write_bytes(
        claiming((folder / MODEL).read_bytes(), b"system_info.txt", 2**32 - 1)),
     DataError, ("model.zip would unpack to", "at most 268435456")),
    ("a member of 4 GB inside", "bomb", member(MODEL, "policy.pth", claiming(
        zipped(("a/data/0", b"x")), b"a/data/0", 2**32 - 1)),
     DataError, "model.zip: policy.pth would unpack to 4294967295 bytes"),
    ("a bomb that claims to be small", "bomb", lambda folder: (folder / NORMALISATION).write_bytes(
        claiming(zipped(*members(folder / NORMALISATION).items()), b"observation_mean", 700)),
     DataError, "normalisation.npz"),
    ("a shape of 10^18", "huge shape", mean("(999999999, 999999999)"),
     DataError, "must be float64 of shape (77,), got float64 of shape (999999999, 999999999)"),
    ("a shape to be computed", "huge shape", mean("(9**9**9,)"),
     DataError, "as numpy.savez writes"),
    ("a shape in brackets", "nesting", mean("(" * 90), DataError, "as numpy.savez writes it"),
    ("a header of minus signs", "nesting",
     member(NORMALISATION, "observation_mean.npy", npy("-" * 8_000)), DataError, "as numpy.savez"),
    ("a mean of integers", "shape", mean("(77,)", "'<i8'"), DataError, "got int64 of shape (77,)"),
    ("a mean too short", "shape", mean("(76,)"), DataError, "got float64 of shape (76,)"),
    ("a mean NaN", "NaN", member(NORMALISATION, "observation_mean.npy", array_file(
        np.full(77, np.nan))), DataError, "observation_mean holds values that are not finite"),
    ("a negative variance", "caps", member(NORMALISATION, "observation_variance.npy", array_file(
        np.full(77, -1.0))), DataError, "observation_variance must not be negative"),
    ("packed by bzip2", "bomb", lambda folder: (folder / NORMALISATION).write_bytes(
        zipped(("observation_mean.npy", b"x"), method=12)), DataError, "packed by method 12"),
    ("no zip", "damage", write(MODEL, b"PK"), DataError, "model.zip is no zip archive"),
    ("no JSON", "damage", write(DESCRIPTION, b"{"), DataError, "policy.json is no JSON"),
    ("description of 2 MB", "8 kB",
     write(DESCRIPTION, b" " * 2_000_000), DataError, "longer than 65536"),
    ("description nested", "nesting", write(DESCRIPTION, b"[" * 50_000), DataError, "is no JSON"),
    ("description of no UTF-8", "UTF-8", write(DESCRIPTION, b'{"a":"\xff"}'), DataError, "no JSON"),
    ("a key twice", "keys twice", text('"steps": 0', '"steps": 0, "steps": 0'),
     DataError, "a key stands twice"),
    ("a field more", "unknown fields", described(stepps=5), DataError, "missing fields stepps"),
    ("schema of tomorrow", "version", described(schema=99), DataError, "schema must be 1 or"),
    ("schema true", "bool", described(schema=True), DataError, "schema must be 1 or"),
    ("algorithm", "codes", described(algorithm="exec"), DataError, "algorithm must be one of"),
    ("activation", "codes", described(activation="__import__"), DataError, "activation must be"),
    ("layers of 10^9", "bomb", described(hidden=[10**9]), DataError, "hidden must be up to"),
    ("a million layers", "bomb", described(hidden=[1] * 10**4), DataError, "hidden must be up to"),
    ("layers of text", "str", described(hidden=["8"]), DataError, "hidden must be up to"),
    ("layers of floats", "float", described(hidden=[8.0]), DataError, "hidden must be up to"),
    ("clip NaN", "NaN", text('"clip": 5.0', '"clip": NaN'), DataError, "NaN is no number"),
    ("clip 1e400", "infinity", text('"clip": 5.0', '"clip": 1e400'), DataError, "1e400 is no fin"),
    ("clip -0.0", "-0.0", described(clip=-0.0), DataError, "clip must be a positive number"),
    ("an option 1e400", "infinity", text('"options": {}', '"options": {"k": 1e400}'),
     DataError, "1e400 is no finite number"),
    ("steps -1", "caps", described(steps=-1), DataError, "steps must be an integer, 0 or more"),
    ("steps 2^63", "64 bits", described(steps=2**63), DataError, "steps must be an integer"),
    ("model a pipe", "no file", instead(MODEL, os.mkfifo), DataError, "is not a regular file"),
    ("model a folder", "no file", instead(MODEL, Path.mkdir), DataError, "is not a regular file"),
    ("model a device", "no file", instead(MODEL, lambda path: path.symlink_to("/dev/zero")),
     DataError, "is not a regular file"),
    ("description a pipe", "no file", instead(DESCRIPTION, os.mkfifo), DataError, "not a regular"),
    ("description missing", "no file", instead(DESCRIPTION, lambda path: None),
     DataError, "give the folder that training names at its end"),
]  # fmt: skip
