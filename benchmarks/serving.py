"""A peer's side of a comparison: it runs under the peer's interpreter and needs nothing else.

Requests come in and answers go out as lines of JSON; an answer is [wall, CPU] seconds.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any


def serve(prepare: Callable[..., Callable[[], object]]) -> None:
    """Answer every request, the arguments of `prepare`, with the time its task takes."""
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever a library prints is no answer
    for line in sys.stdin:
        task: Any = prepare(*json.loads(line))
        wall, cpu = time.perf_counter(), time.process_time()
        task()
        took = time.perf_counter() - wall, time.process_time() - cpu
        print(json.dumps(took), file=answers, flush=True)
