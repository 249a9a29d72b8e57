"""Runs the commands of a walk-through, shows them, and writes the same as a page of Markdown."""

import io
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from string import Template

from decent_gym.cli import main as decent_gym
from examples import cheat

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 300.0
"""Seconds to wait for a process; the first run on a machine compiles the market."""
_WIDTH = 96
_LAST = 2
"""Lines that are shown of what a started command has said."""
_LONG_HASH = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{32,}\b")
_BASE64 = re.compile(r"(?<=\+)[0-9a-f]{8}\+[A-Za-z0-9+/=]{40,}")


class Narrator:
    """Tells a story in which every command runs.  A context manager: it leaves no process behind.

    A command may say ``$NAME`` for one of `variables`: the page shows the name, the command gets
    the value.

    Attributes
    ----------
    caught : list of str
        Commands that were expected to refuse something, and did.
    processes : dict of str to Popen
        What was started, by name.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.variables: dict[str, str] = {}
        self.caught: list[str] = []
        self._page: list[str] = []
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def heading(self, text: str) -> None:
        """Begin a part."""
        print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)
        self._page.append(f"## {text}")

    def say(self, text: str) -> None:
        """One paragraph."""
        print(f"\n{text}", flush=True)
        self._page.append(text)

    def run(self, command: str, *, code: int = 0, words: str = "") -> None:
        """Run a command to its end, and show it with what it says.

        Raises
        ------
        SystemExit
            It ended with another exit code than `code`, or did not say `words`: the story is over.
        """
        self._show(command)
        found, said = self._call(shlex.split(self._filled(command)))
        self._judge(command, found, said, code, words)
        self._tell(said, code)

    def catch(self, command: str, words: str) -> None:
        """Run a command that must refuse, and say these words."""
        self.run(command, code=1, words=words)

    def start(self, name: str, command: str, *, until: str = "") -> None:
        """Start a command that goes on; return once it has said `until`."""
        self._show(f"{command} &")
        words = shlex.split(self._filled(command))
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        with self._log(name).open("wb") as log:
            self.processes[name] = subprocess.Popen(
                _program(words), cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log,
            )  # fmt: skip
        self.wait(lambda: until in self.said(name), name)

    def wait(self, is_done: Callable[[], bool], name: str) -> None:
        """Wait until `is_done()`, or for so long that something must be wrong with a process."""
        deadline = time.monotonic() + PATIENCE
        while not is_done():
            if self.processes[name].poll() is not None or time.monotonic() > deadline:
                sys.exit(f"walk-through: {name} is stuck or has failed:\n{self.said(name)}")
            time.sleep(0.02)

    def said(self, name: str) -> str:
        """What a started command has printed so far."""
        return self._log(name).read_text(encoding="utf-8")

    def end(self, name: str, *, number: int | None = None, code: int = 0, words: str = "") -> None:
        """Wait for a started command to end, after a signal if there is one; show its last lines.

        Raises
        ------
        SystemExit
            As in :meth:`run`.
        """
        process = self.processes[name]
        if number is not None:
            process.send_signal(number)
        try:
            found = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            found = -1
        self._judge(name, found, self.said(name), code, words)
        self._tell("\n".join([f"[{name}]", *self.said(name).splitlines()[-_LAST:]]), code)

    def write(self, path: Path, title: str) -> None:
        """The page."""
        path.write_text("\n\n".join([title, *self._page]) + "\n", encoding="utf-8")

    def __enter__(self) -> "Narrator":
        # so that __exit__ is reached
        self._before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self.processes.values()):
            process.kill()
            process.wait()
        signal.signal(signal.SIGTERM, self._before)

    def _judge(self, what: str, found: int, said: str, code: int, words: str) -> None:
        if found != code or words not in said:
            sys.exit(
                f"walk-through: exit code {found} instead of {code}, or not said: {words!r}\n"
                f"{what}\n{said}"
            )
        if code:
            self.caught.append(what)

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _filled(self, command: str) -> str:
        return Template(command.replace("\\\n", " ")).substitute(self.variables)

    def _show(self, command: str) -> None:
        text = _folded(command)
        print(f"\n$ {text}", flush=True)
        self._page.append(f"```sh\n{text}\n```")

    def _tell(self, said: str, code: int) -> None:
        text = _BASE64.sub("...", _LONG_HASH.sub(r"\1...", said)).rstrip("\n")
        text += f"\n(exit code {code})" if code else ""
        if text:
            print(text, flush=True)
            self._page.append(f"```text\n{text}\n```")

    def _call(self, words: list[str]) -> tuple[int, str]:
        """Commands of this project run in this process, which saves starting Python each time."""
        mains = {"decent-gym": (decent_gym, 1), "python": (cheat.main, 3)}
        main, skipped = mains[words[0]]
        said, before = io.StringIO(), Path.cwd()
        os.chdir(self.folder)
        try:
            with redirect_stdout(said), redirect_stderr(said):
                code = main(words[skipped:])
        finally:
            os.chdir(before)
        return code, said.getvalue()


def _program(words: list[str]) -> list[str]:
    """The command as this machine has it."""
    if words[0] == "mosquitto":
        path = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if path is None:
            sys.exit("walk-through: mosquitto is not installed: apt-get install mosquitto")
        return [path, *words[1:]]
    first = ["-m", "decent_gym"] if words[0] == "decent-gym" else []
    return [sys.executable, *first, *words[1:]]


def _folded(command: str) -> str:
    """A long command on several lines, broken before options."""
    lines = [""]
    for part in re.split(r" (?=--)", command):
        if lines[-1] and len(lines[-1]) + len(part) > _WIDTH:
            lines.append("   ")
        lines[-1] += part if not lines[-1] else f" {part}"
    return " \\\n".join(lines)
