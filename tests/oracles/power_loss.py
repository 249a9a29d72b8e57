"""A disk that forgets what was not synced when the machine stops."""

from decent_gym.ledger.disk import Disk


class PowerLoss(Disk):
    """Counts calls, fails at one of them, and then loses everything that is not on the device.

    What a file holds is on the device once the file is synced, its name once its folder is.
    """

    def __init__(self, fail_at=None):
        super().__init__()
        self.calls, self.fail_at = 0, fail_at
        self.paths = {}  # descriptor -> path
        self.contents = {}  # path -> bytes on the device
        self.names = []  # changes of names that no folder has on the device: (path, before)

    def _count(self):
        self.calls += 1
        if self.calls == self.fail_at:
            raise OSError(5, "the power is gone")

    def create(self, path):
        self._count()
        descriptor = super().create(path)
        self.paths[descriptor] = path
        self.contents[path] = b""
        self.names.append((path, None))
        return descriptor

    def append_to(self, path):
        self._count()
        descriptor = super().append_to(path)
        self.paths[descriptor] = path
        self.contents[path] = path.read_bytes()
        return descriptor

    def write(self, descriptor, data):
        self._count()
        return super().write(descriptor, data)

    def sync(self, descriptor):
        self._count()
        path = self.paths[descriptor]
        self.contents[path] = path.read_bytes()

    def truncate(self, descriptor, size):
        self._count()
        super().truncate(descriptor, size)

    def rename(self, source, target):
        self._count()
        self.names.append((target, target.read_bytes() if target.exists() else None))
        super().rename(source, target)
        self.contents[target] = self.contents.pop(source)

    def sync_folder(self, descriptor):
        self._count()
        self.names = []

    def lose(self):
        """The machine stops: bring the files to what the device has of them."""
        for path, data in self.contents.items():
            if path.exists():
                path.write_bytes(data)
        for path, before in reversed(self.names):
            if before is None:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(before)
        self.names = []
