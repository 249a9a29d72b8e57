"""Files and folders of strangers: what only looks like a file, and links that lead elsewhere."""

import json
import os
import socket
from pathlib import Path

import pytest
from oracles.rounds import header, rounds

from decent_gym.cli.console import complain, write_json
from decent_gym.errors import shown
from decent_gym.files import open_regular
from decent_gym.ledger import Ledger, verify
from decent_gym.views.mqtt_tail import read_cursor, write_cursor


def test_a_file_and_a_link_to_one_are_opened(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "b").symlink_to("a")
    for name in ("a", "b"):
        with open_regular(tmp_path / name) as file:
            assert file.read() == b"abc"


def test_nothing_else_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    (tmp_path / "nowhere").symlink_to("gone")
    (tmp_path / "circle").symlink_to("circle")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(tmp_path / "socket"))
        opened = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0
        for name in ("pipe", "device", "folder", "nowhere", "circle", "socket", "a\0b", "gone"):
            with pytest.raises(OSError):
                open_regular(tmp_path / name)
        if opened:
            assert len(os.listdir("/proc/self/fd")) == opened


def test_links_in_a_ledgers_folder_are_not_written_through(tmp_path: Path) -> None:
    precious, folder = tmp_path / "precious", tmp_path / "ledger"
    precious.write_text("kept")
    folder.mkdir()
    for name in ("meta.json", "meta.json.draft", "mqtt-cursor.json", "mqtt-cursor.json.draft"):
        (folder / name).symlink_to(precious)
    with Ledger.create(folder, header(), meta={"a": 1}) as ledger:
        for record in rounds(2):
            ledger.on_round(record)
    write_cursor(folder, 2, bytes(32))
    assert precious.read_text() == "kept"
    assert verify(folder).rounds == 2
    assert json.loads((folder / "meta.json").read_text())["a"] == 1
    assert read_cursor(folder) == (2, bytes(32))


@pytest.mark.parametrize("content", [b"[" * 10_000, b"{}", b"\xff", b'{"record":1e400,"hash":""}'])
def test_a_cursor_that_is_none_is_forgotten(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mqtt-cursor.json").write_bytes(content)
    assert read_cursor(tmp_path) is None


def test_what_cannot_be_printed_is_named_by_its_type() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    for value in (10**5000, deep, [10**5000], {1: deep}):
        assert shown(value) == f"one of type {type(value).__name__}, too large or too deep to print"
    assert shown("x" * 1_000) == f"'{'x' * 196}..."
    assert shown(-0.0) == "-0.0"


def test_names_that_are_no_utf8_are_printed_all_the_same(capsys: pytest.CaptureFixture) -> None:
    name = os.fsdecode(b"caf\xe9 \xc3\xa4")
    write_json({"path": name})
    complain(f"{'x' * 5_000}\n{name}")
    told = capsys.readouterr()
    assert "ä" in told.out and json.loads(told.out) == {"path": name}
    assert len(told.err) < 2_100 and told.err.endswith("...\n")
