"""Who may do what on a real mosquitto: user x topic x protocol x TLS, and nothing leaks."""

import ssl
import threading
import time
from itertools import product

import paho.mqtt.client as paho
import pytest
from live.mosquitto_process import PATIENCE, Mosquitto, needs_mosquitto

from decent_gym.errors import InputError
from decent_gym.live.broker_files import access_list, write_broker_files
from decent_gym.live.passwords import ITERATIONS, password_line
from decent_gym.views.mqtt_link import Address, Link
from decent_gym.views.mqtt_payload import Topics

ORGANIZATIONS, OBSERVERS = ["b7", "b8"], ["anna"]
USERS = ["operator", *ORGANIZATIONS, *OBSERVERS]
ROOT = "decent/v1/rural"
TOPICS = [
    *(f"{ROOT}/rounds/{n}" for n in ("1", "last")),
    f"{ROOT}/status",
    *(f"{ROOT}/{kind}/{name}"
      for kind in ("offers", "receipts", "openings", "requests", "records")
      for name in ("b7", "b8", "anna", "operator")),
    *(f"{ROOT}/offers/{name}" for name in ("b7/../b8", "b8/", "/b8", "b7/b8", "B8", "b8 ", "")),
    *(f"{ROOT}/{name}" for name in ("rounds", "rounds/1/2", "offers", "statuses", "")),
    *("decent/v1/other/rounds/1", "decent/v1/other/offers/b7", "decent/v1", "anything", "/"),
]  # fmt: skip
FILTERS = ["#", "+/#", "decent/#", f"{ROOT}/#", f"{ROOT}/+/+", f"{ROOT}/+/b8", "$SYS/#"]


def may(user, action, topic):
    """The rule, written down a second time."""
    if not topic.startswith(f"{ROOT}/"):
        return False
    kind, *rest = topic.removeprefix(f"{ROOT}/").split("/")
    if kind == "status":
        return not rest and (action == "write") == (user == "operator")
    if len(rest) != 1:
        return False
    (name,) = rest
    if user == "operator":
        told = {
            "write": ("rounds", "receipts", "openings", "records"),
            "read": ("offers", "requests"),
        }
        return kind in told[action]
    if kind == "rounds":
        return action == "read"
    own = {("requests", "write"), ("records", "read")}
    if user in ORGANIZATIONS:
        own |= {("offers", "write"), ("receipts", "read"), ("openings", "read")}
    return name == user and (kind, action) in own


class Client:
    """Subscribes to everything it can name, and keeps what it is sent."""

    def __init__(self, broker, user, version, is_secure, will=None):
        self.user, self.heard, self.codes = user, set(), []
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=version)
        self.client.reconnect_delay_set(60, 60)
        if user in broker.users:
            self.client.username_pw_set(user, broker.users[user])
        elif user:
            self.client.username_pw_set(USERS[1], user)  # a right name, a wrong password
        if is_secure:
            self.client.tls_set_context(ssl.create_default_context(cafile=broker.ca))
        if will:
            self.client.will_set(*will, qos=1, retain=True)
        self.connected, self.subscribed = threading.Event(), threading.Event()
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        self.client.on_message = lambda _, __, m: self.heard.add((m.topic, bytes(m.payload)))
        port = broker.port if is_secure else broker.plain_port
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self.connected.wait(PATIENCE)

    def _on_connect(self, client, data, flags, code, properties):
        self.codes.append(code)
        self.connected.set()

    def listen(self):
        names = [topic for topic in TOPICS if topic]
        self.client.subscribe([(name, 1) for name in (*FILTERS, *names)])
        assert self.subscribed.wait(PATIENCE)

    def publish(self, topic, payload, is_retained=False):
        return self.client.publish(topic, payload, qos=1, retain=is_retained)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    folder = tmp_path_factory.mktemp("broker") / "b"
    with Mosquitto(folder, ORGANIZATIONS, OBSERVERS) as broker:
        yield broker


def wait_for(is_done):
    deadline = time.monotonic() + PATIENCE
    while not is_done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@needs_mosquitto
def test_nothing_leaks_whatever_the_user_topic_protocol_and_transport(broker):
    kinds = list(product(USERS, (4, 5), (False, True)))
    clients = [Client(broker, *kind) for kind in kinds]
    for client in clients:
        client.listen()
    sent = []
    for kind, client in zip(kinds, clients, strict=True):
        for topic in TOPICS:
            if topic:  # an empty one cannot be sent
                payload = repr((*kind, topic)).encode()
                sent.append((kind[0], topic, payload))
                client.publish(topic, payload, is_retained=len(sent) % 3 == 0).wait_for_publish(30)
    operator = clients[0]
    marks = {
        "operator": (clients[4], f"{ROOT}/requests/b7"),
        **{user: (operator, f"{ROOT}/rounds/end") for user in USERS[1:]},
    }
    for sender, topic in set(marks.values()):  # what was sent before has arrived when this has
        sender.publish(topic, b"end").wait_for_publish(30)
    for client in clients:
        wait_for(lambda c=client: (marks[c.user][1], b"end") in c.heard)
    leaks, losses = [], []
    for kind, client in zip(kinds, clients, strict=True):
        heard = {(t, p) for t, p in client.heard if p != b"end"}
        allowed = {
            (topic, payload)
            for user, topic, payload in sent
            if may(user, "write", topic) and may(client.user, "read", topic)
        }
        leaks += [(kind, *message) for message in heard - allowed]
        losses += [(kind, *message) for message in allowed - heard]
        client.close()
    assert leaks == []
    assert losses == []
    assert len(sent) == len(kinds) * len([topic for topic in TOPICS if topic])
    # those that come later are sent what was retained, and no more than that either
    late = [Client(broker, *kind) for kind in kinds]
    for client in late:
        client.listen()
    sender = Client(broker, "b7", 5, True)
    last = Client(broker, "operator", 5, True)
    sender.publish(f"{ROOT}/requests/b7", b"end").wait_for_publish(30)
    last.publish(f"{ROOT}/rounds/end", b"end").wait_for_publish(30)
    for client in late:
        wait_for(lambda c=client: (marks[c.user][1], b"end") in c.heard)
        assert [topic for topic, _ in client.heard if not may(client.user, "read", topic)] == []
    for client in (*late, sender, last):
        client.close()


@needs_mosquitto
@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("is_secure", [False, True])
@pytest.mark.parametrize("user", ["", "wrong password"])
def test_who_is_unknown_does_not_come_in(broker, user, version, is_secure):
    client = Client(broker, user, version, is_secure)
    assert client.codes[0].is_failure
    client.close()


@needs_mosquitto
def test_no_stranger_can_take_the_publishers_place(broker):
    def link(user, client):
        address = Address("127.0.0.1", broker.plain_port, False, user, broker.users[user])
        return Link(address, 5, client, None, None, threading.Event(), lambda: False)

    topics = Topics("rural")
    first = link("operator", topics.client("operator", broker.users["operator"]))
    stranger = link("b7", topics.client())  # all that it can know
    first.retain(topics.status, b"")
    second = link("operator", topics.client("operator", broker.users["operator"]))
    with pytest.raises(ConnectionError, match="lost"):
        while True:
            first.retain(topics.status, b"")
    first.cut()
    for one in (stranger, second):
        one.check()
        one.close()


@needs_mosquitto
@pytest.mark.parametrize("version", [4, 5])
def test_a_last_will_cannot_say_what_its_author_may_not(broker, version):
    listener = Client(broker, "b8", 5, True)
    listener.listen()
    forged = b"a forged round %d" % version
    author = Client(broker, "b7", version, True, will=(f"{ROOT}/rounds/last", forged))
    if not author.codes[0].is_failure:  # a broker may also refuse the connection at once
        author.client.socket().close()  # without a word, so that the will is published
    author.client.loop_stop()
    operator = Client(broker, "operator", 5, True)
    for _ in range(2):
        operator.publish(f"{ROOT}/rounds/end", b"will %d" % version).wait_for_publish(30)
        wait_for(lambda: (f"{ROOT}/rounds/end", b"will %d" % version) in listener.heard)
        time.sleep(0.1)
    assert forged not in {payload for _, payload in listener.heard}
    allowed = Client(broker, "operator", version, True, will=(f"{ROOT}/status", b"%d" % version))
    allowed.client.socket().close()
    allowed.client.loop_stop()
    wait_for(lambda: (f"{ROOT}/status", b"%d" % version) in listener.heard)
    listener.close()
    operator.close()


@needs_mosquitto
def test_plain_speech_is_not_understood_where_tls_is_spoken(broker):
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    answers = []
    client.on_connect = lambda *_: answers.append("in")
    client.on_disconnect = lambda *_: answers.append("out")
    client.reconnect_delay_set(60, 60)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    wait_for(lambda: answers)
    client.disconnect()
    client.loop_stop()
    assert answers[0] == "out"


def test_names_that_could_break_the_list_are_refused(tmp_path):
    for name in (
        "a/b",
        "+",
        "#",
        "a b",
        "..",
        "b7/../b8",
        "a\nuser operator",
        "",
        "%u",
        "operator",
    ):
        with pytest.raises(InputError):
            access_list("rural", [name], [])
        with pytest.raises(InputError):
            write_broker_files(tmp_path / "x", "rural", ["b7"], [name])
    with pytest.raises(InputError, match="differ"):
        access_list("rural", ["b7", "b8"], ["b7"])
    with pytest.raises(InputError):
        access_list("a/b", ["b7"], [])
    assert not (tmp_path / "x").exists()


def test_secrets_are_for_their_owner_and_folders_are_not_overwritten(tmp_path):
    users = write_broker_files(tmp_path / "b", "rural", ["b7"], ["anna"])
    assert list(users) == ["operator", "b7", "anna"]
    assert len(set(users.values())) == 3
    for name in ("acl", "passwords", "users.json", "tls/server.key"):
        assert (tmp_path / "b" / name).stat().st_mode & 0o077 == 0
    text = "".join(
        path.read_text()
        for path in (tmp_path / "b").rglob("*")
        if path.name not in ("users.json", "tls")
    )
    assert not any(password in text for password in users.values())
    with pytest.raises(InputError, match="is taken"):
        write_broker_files(tmp_path / "b", "rural", ["b7"])
    for wrong in ({"port": 0}, {"plain_port": 70_000}, {"hosts": []}, {"hosts": ["ä b"]}):
        with pytest.raises(InputError):
            write_broker_files(tmp_path / "c", "rural", ["b7"], **wrong)
    assert not (tmp_path / "c").exists()


def test_a_password_line_word_by_word():
    # the key is OpenSSL's: openssl kdf -keylen 64 -kdfopt digest:SHA512 -kdfopt pass:secret
    # -kdfopt salt:abcdefghijkl -kdfopt iter:1000 PBKDF2
    assert ITERATIONS == 1_000
    user, line = password_line("b7", "secret", b"abcdefghijkl").split(":")
    assert user == "b7"
    key = "qRne4SXrEujWetacI+nMTIdB4Qr0s66rkV+86Lznt/qkswfzS7LckgmYEpgmazYE9QbrZtvdH+KvN12oyQZWQg=="
    assert line == f"$7$1000$YWJjZGVmZ2hpamts${key}"
