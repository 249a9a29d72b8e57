"""Where a broker is, what may be missing, and that secrets stay secret."""

import builtins
import gc
import logging
import ssl
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from oracles.rounds import SlowMarket, header
from views.mqtt_peers import ScriptedBroker, wait_for

from decent_gym.errors import InputError, MissingExtraError
from decent_gym.ledger import Ledger
from decent_gym.views.mqtt_broker import EmbeddedBroker
from decent_gym.views.mqtt_link import Address, Link
from decent_gym.views.mqtt_outbox import Publisher


@pytest.mark.parametrize(
    ("url", "address", "text"),
    [
        ("mqtt://h", Address("h", 1883, False), "mqtt://h:1883"),
        ("mqtts://h.example", Address("h.example", 8883, True), "mqtts://h.example:8883"),
        ("MQTT://H:9/", Address("h", 9, False), "mqtt://h:9"),
        ("mqtt://[::1]:70", Address("::1", 70, False), "mqtt://[::1]:70"),
        ("mqtt://u@h", Address("h", 1883, False, "u"), "mqtt://h:1883"),
        ("mqtt://a%2Fb:c%40d@h", Address("h", 1883, False, "a/b", "c@d"), "mqtt://h:1883"),
    ],
)
def test_urls(url, address, text):
    assert Address.parse(url) == address
    assert str(address) == text
    assert "c@d" not in repr(address)


@pytest.mark.parametrize(
    "url",
    [
        *("", "h", "h:1883", "http://u:secret@h", "mqtt:///x", "mqtt://", "mqtt://u:secret@"),
        *("mqtt://u:secret@h/path", "mqtt://h?secret=1", "mqtt://h#secret", "mqtt://:secret@h"),
        *("mqtt://h:0", "mqtt://h:99999", "mqtt://u:secret@h:x", "mqtt://[::1", "mqtt://a..b"),
        *(f"mqtt://{'a' * 64}", "mqtt:h", None, 7),
        *("embedded:secret", "embedded:-1", "embedded:99999"),
    ],
)
def test_wrong_urls_are_refused_and_not_repeated(tmp_path, url):
    Ledger.create(tmp_path / "l", header()).close()
    threads = threading.active_count()
    with pytest.raises(InputError) as caught:
        Publisher(url, tmp_path / "l", "rural")
    assert "secret" not in str(caught.value) or url == "embedded:secret"
    assert threading.active_count() == threads


def test_wrong_folders_and_districts_are_refused(tmp_path):
    Ledger.create(tmp_path / "l", header()).close()
    threads = threading.active_count()
    for folder, district in ((tmp_path, "rural"), (tmp_path / "l", "ru/ral")):
        with pytest.raises(InputError):
            Publisher("embedded", folder, district)
    assert threading.active_count() == threads


@pytest.mark.parametrize(
    ("package", "extra", "call"),
    [
        ("paho", "mqtt", lambda folder: Publisher("mqtt://h", folder, "rural")),
        ("amqtt", "broker", lambda folder: Publisher("embedded", folder, "rural")),
        ("amqtt", "broker", lambda folder: EmbeddedBroker()),
    ],
)
def test_a_missing_package_is_named_with_its_extra(tmp_path, monkeypatch, package, extra, call):
    Ledger.create(tmp_path / "l", header()).close()
    whole = builtins.__import__

    def without(name, *rest, **options):
        if name.partition(".")[0] == package:
            raise ImportError(name)
        return whole(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=rf"decent-gym\[{extra}\]"):
        call(tmp_path / "l")


def certificate(folder):
    """A fresh key and certificate for 127.0.0.1 that nobody has signed but itself."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(1))
    address = x509.IPAddress(ip_address("127.0.0.1"))
    builder = builder.add_extension(x509.SubjectAlternativeName([address]), False)
    text = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "both.pem").write_bytes(secret + text)
    (folder / "certificate.pem").write_bytes(text)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "both.pem")
    return server, ssl.create_default_context(cafile=str(folder / "certificate.pem"))


# paho leaves a socket whose handshake failed to the garbage collector
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
def test_tls_is_spoken_with_whom_we_trust_alone(tmp_path, caplog):
    server, trusting = certificate(tmp_path)
    with Ledger.create(tmp_path / "l", header()) as ledger:
        ledger.on_round(SlowMarket().round())
    with ScriptedBroker(tls=server) as broker:
        url = f"mqtts://u:secret@127.0.0.1:{broker.port}"
        publisher = Publisher(url, tmp_path / "l", "rural")
        wait_for(lambda: publisher._has_warned)
        assert publisher.close() == 1
        assert "certificate" in caplog.text.lower()
        assert broker.connects == []
        assert Publisher(url, tmp_path / "l", "rural", tls=trusting).close() == 0
    assert broker.connects[0][2:4] == (b"u", b"secret")
    assert "secret" not in caplog.text
    gc.collect()


def test_a_lost_connection_is_an_error(caplog):
    caplog.set_level(logging.CRITICAL, "amqtt")
    with EmbeddedBroker() as broker:
        link = Link(
            Address("127.0.0.1", broker.port, False),
            4,
            "client",
            ("a", b"b"),
            None,
            threading.Event(),
            lambda: False,
        )
        link.send("a/b", b"c")
    with pytest.raises(ConnectionError, match="lost"):
        for _ in range(3):
            link.send("a/b", b"c")
    link.cut()
    link.close()
