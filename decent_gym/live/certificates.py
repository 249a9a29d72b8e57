"""A certificate authority for one broker: made once, its key thrown away."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from decent_gym.errors import InputError, MissingExtraError

_DAYS: Final = 825
"""What clients accept at most of a server's certificate."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM texts: the authority's certificate, the server's, and the server's key."""

    authority: bytes
    server: bytes
    key: bytes


def make_certificates(hosts: Sequence[str]) -> Certificates:
    """A new authority and a server's certificate for names and addresses.

    The authority's key is forgotten, so that nobody can ever sign another server with it.

    Parameters
    ----------
    hosts : sequence of str
        Names or IP addresses by which clients reach the server.

    Raises
    ------
    InputError
        No host, or one that is neither.
    MissingExtraError
        cryptography is not installed.
    """
    if not hosts:
        raise InputError("a certificate needs at least one host name or address")
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
    except ImportError:
        raise MissingExtraError("cryptography", "trust", "making certificates") from None

    now = datetime.now(UTC)

    def name(text: str) -> Any:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def begun(subject: str, key: Any) -> Any:
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("decent-gym broker authority"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))  # clocks differ
            .not_valid_after(now + timedelta(days=_DAYS))
        )

    def usage(*, signs: bool) -> Any:
        no = dict.fromkeys(
            (
                *("content_commitment", "key_encipherment", "data_encipherment"),
                *("key_agreement", "crl_sign", "encipher_only", "decipher_only"),
            ),
            False,
        )
        return x509.KeyUsage(digital_signature=not signs, key_cert_sign=signs, **no)

    def host(text: str) -> Any:
        try:
            return x509.IPAddress(ipaddress.ip_address(text))
        except ValueError:
            pass
        try:
            return x509.DNSName(text)
        except ValueError:
            raise InputError(f"host must be a name or an address, got {text!r}") from None

    signing, serving = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = (
        begun("decent-gym broker authority", signing)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .add_extension(usage(signs=True), True)
        .sign(signing, hashes.SHA256())
    )
    server = (
        begun(hosts[0][:64], serving)
        .add_extension(x509.SubjectAlternativeName([host(text) for text in hosts]), False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(usage(signs=False), True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
        .sign(signing, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return Certificates(
        authority=authority.public_bytes(pem),
        server=server.public_bytes(pem),
        key=serving.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )
