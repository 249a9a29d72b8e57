"""Settings that hold for every test.

With NO_SKIPS=1, as in `.ci/run`, a test that is skipped fails the run: a promise that nobody has
tried is none, and a missing broker or compiler would go unnoticed.
"""

import os
import sys

import pytest
from hypothesis import settings

# The first call of a kernel compiles it, which no deadline per example can allow for.
settings.register_profile("decent_gym", deadline=None)
settings.load_profile("decent_gym")

ELSEWHERE = ("has an environment of its own",)
"""What `.ci/run` need not have: Ray (`make ray-smoke`)."""
if sys.version_info >= (3, 13):
    ELSEWHERE += ("pyrevm is not installed",)  # there is no wheel


def pytest_configure(config):
    config.pluginmanager.register(Skips())


class Skips:
    """Collects why tests were skipped."""

    def __init__(self):
        self.reasons = []

    def pytest_collectreport(self, report):
        self.pytest_runtest_logreport(report)

    def pytest_runtest_logreport(self, report):
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = f"{report.nodeid}: {report.longrepr[2]}"
            if not any(words in reason for words in ELSEWHERE):
                self.reasons.append(reason)

    def pytest_sessionfinish(self, session):
        if self.reasons and os.environ.get("NO_SKIPS") == "1":
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        if self.reasons and os.environ.get("NO_SKIPS") == "1":
            terminalreporter.section("skipped, which NO_SKIPS=1 forbids", red=True)
            terminalreporter.write_line("\n".join(self.reasons))
