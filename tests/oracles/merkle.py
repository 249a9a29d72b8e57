"""RFC 6962, section 2.1, word by word: MTH, PATH and PROOF by recursion over lists of leaves."""

import hashlib


def sha(data):
    return hashlib.sha256(data).digest()


def split(n):
    """The largest power of two smaller than n."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k


class Slow:
    """A tree over `leaves`; remembers the hash of every range it has been asked for."""

    def __init__(self, leaves):
        self.leaves, self.known = leaves, {}

    def mth(self, first, last):
        if (first, last) not in self.known:
            self.known[first, last] = self._mth(first, last)
        return self.known[first, last]

    def _mth(self, first, last):
        n = last - first
        if n == 0:
            return sha(b"")
        if n == 1:
            return sha(b"\x00" + self.leaves[first])
        k = split(n)
        return sha(b"\x01" + self.mth(first, first + k) + self.mth(first + k, last))

    def path(self, m, first, last):
        n = last - first
        if n == 1:
            return []
        k = split(n)
        if m < k:
            return [*self.path(m, first, first + k), self.mth(first + k, last)]
        return [*self.path(m - k, first + k, last), self.mth(first, first + k)]

    def proof(self, m, n):
        return self.subproof(m, 0, n, True) if 0 < m < n else []

    def subproof(self, m, first, last, is_whole):
        n = last - first
        if m == n:
            return [] if is_whole else [self.mth(first, last)]
        k = split(n)
        if m <= k:
            return [*self.subproof(m, first, first + k, is_whole), self.mth(first + k, last)]
        return [*self.subproof(m - k, first + k, last, False), self.mth(first, first + k)]
