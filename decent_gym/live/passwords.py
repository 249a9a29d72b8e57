"""Passwords as mosquitto keeps them, and new ones that nobody can guess.

Source: mosquitto 2.0, ``mosquitto_passwd``: ``$7$iterations$salt$hash``, PBKDF2 with HMAC-SHA-512
over 12 bytes of salt to 64 bytes, both in base64.
"""

import base64
import hashlib
import os
import secrets
from typing import Final

ITERATIONS: Final = 1_000
"""More than mosquitto's own 101; a random password of 192 bits needs no more, and the broker's one
thread counts them at every connection."""
_SALT_BYTES: Final = 12
_PASSWORD_BYTES: Final = 24


def new_password() -> str:
    """192 random bits, in letters that a URL takes as they are."""
    return secrets.token_urlsafe(_PASSWORD_BYTES)


def password_line(user: str, password: str, salt: bytes | None = None) -> str:
    """The line of a password file.

    Parameters
    ----------
    salt : bytes (12,), optional
        For tests; random by default.
    """
    salt = os.urandom(_SALT_BYTES) if salt is None else salt
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    shown = (base64.b64encode(part).decode() for part in (salt, key))
    return f"{user}:$7${ITERATIONS}${'$'.join(shown)}"
