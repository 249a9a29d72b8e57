"""A real mosquitto on loopback with the configuration that broker-config writes."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import paho.mqtt.client as paho

from decent_gym.live.broker_files import CONFIGURATION, write_broker_files

PATIENCE = 30.0
PROGRAM = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Mosquitto:
    """Runs until it is killed; can be started again on the same ports."""

    def __init__(self, folder, organizations, observers=(), district="rural"):
        self.port, self.plain_port = free_port(), free_port()
        self.users = write_broker_files(
            Path(folder), district, organizations, observers,
            port=self.port, plain_port=self.plain_port,
        )  # fmt: skip
        self.ca = str(Path(folder) / "tls/ca.crt")
        self._configuration = Path(folder) / CONFIGURATION
        if os.geteuid() == 0:  # else it gives up being root and cannot read its files
            with self._configuration.open("a") as file:
                file.write(f"user {getpass.getuser()}\n")
        self.process = None
        self.start()

    def start(self):
        if PROGRAM is None:
            raise SystemExit("mosquitto is not installed: apt-get install mosquitto")
        self.process = subprocess.Popen(
            [PROGRAM, "-c", str(self._configuration)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + PATIENCE
        while True:
            probe = paho.Client(paho.CallbackAPIVersion.VERSION2)
            with suppress(OSError):
                probe.connect("127.0.0.1", self.plain_port)
                probe.disconnect()
                probe.socket() and probe.socket().close()
                return
            assert self.process.poll() is None, "mosquitto refuses its configuration"
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def url(self, user, *, is_secure=True):
        scheme, port = ("mqtts", self.port) if is_secure else ("mqtt", self.plain_port)
        return f"{scheme}://{user}:{self.users[user]}@127.0.0.1:{port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
