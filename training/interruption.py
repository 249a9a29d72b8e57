"""Ctrl-C and SIGTERM while training: finish the update, write a checkpoint, then stop."""

import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any, Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """A signal ended the training after its checkpoint was written; the message says where.

    It is a KeyboardInterrupt, so that loops over several trainings end as well.

    Attributes
    ----------
    signal : signal.Signals
    """

    def __init__(self, message: str, number: signal.Signals) -> None:
        super().__init__(message)
        self.signal = number


class Interruption:
    """Within ``with``, remembers the first signal instead of dying of it; a second one kills.

    Outside the main thread, where Python allows no handlers, it does nothing.

    Attributes
    ----------
    signal : signal.Signals or None
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Interruption":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._remember) for number in SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._restore()

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self.signal = signal.Signals(number)
        self._restore()
        print(
            f"{self.signal.name}: this update is finished and a checkpoint written; again: at once",
            file=sys.stderr,
        )

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
