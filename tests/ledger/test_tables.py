"""A ledger as tables: everything is in them, rounds come back, and what was changed is found."""

import csv
import json
import random
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from oracles import forger
from oracles.rounds import header, rounds
from oracles.signed_market import record as record_signed

from decent_gym.cli import main
from decent_gym.errors import InputError, LedgerError, MissingExtraError
from decent_gym.ledger import (
    Checkpoints,
    Ledger,
    SigningKey,
    export_tables,
    open_records,
    read_rounds,
)
from decent_gym.ledger.frames import RecordType
from decent_gym.ledger.scan import Scan
from decent_gym.ledger.segments import META
from decent_gym.ledger.tables import export
from decent_gym.ledger.tables.schema import FACTS_KEY, TABLES
from decent_gym.models import TYPE_NAMES, Money, Round
from decent_gym.replay import replay
from decent_gym.scenarios import scenario
from decent_gym.simulation import Episodes

ROUNDS = 9


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An episode in which a learner acts and heat pumps convert: a winter morning."""
    folder = tmp_path_factory.mktemp("tables") / "ledger"
    coupled = {"clearing": "coupled"}
    episodes = Episodes(scenario("rural", **coupled), ["building_02"], rounds=ROUNDS)
    episodes.reset([3], {"start": 14 * 96 + 20})
    episodes.record(folder, scenario="rural", options=coupled)
    for i in range(ROUNDS):
        episodes.act(0, np.full(len(episodes.levers[0]), i / ROUNDS))
        episodes.step()
    episodes.close()
    return folder


@pytest.fixture(scope="module")
def exported(ledger: Path) -> Path:
    folder = ledger.parent / "exported"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "ROUNDS_AT_ONCE", 4)  # so that there are three groups
        export_tables(ledger, parquet=folder)
    return folder


@pytest.fixture(scope="module")
def special(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wishes, signed messages, and an operator's key that hands over: around noon in spring."""
    folder = tmp_path_factory.mktemp("tables") / "special"
    old, new = (SigningKey("rural", digit * 32) for digit in (b"1", b"2"))
    wishes = {"building_03": {"local": True, "hard": True}, "building_05": {"renewable": True}}
    wishes["building_05"] |= {"premium": 0.5}
    options = {"mechanism": "preference", "wishes": json.dumps(wishes)}
    keys = Checkpoints(key=old, origin="rural/market")
    record_signed(folder, rounds=3, checkpoints=keys, start=105 * 96 + 48, **options)
    with Ledger.resume(folder, checkpoints=keys) as again:
        again.rotate(old, new)
    return folder


@pytest.fixture(scope="module")
def special_tables(special: Path) -> Path:
    folder = special.parent / "special_tables"
    export_tables(special, parquet=folder, csv=special.parent / "special_csv")
    return folder


@pytest.fixture
def tables(exported: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return copied(exported, tmp_path / "tables")


def copied(source: Path, folder: Path) -> Path:
    folder.mkdir()
    for file in source.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def records(scan: Scan) -> list[tuple[int, int, bytes, bytes]]:
    return [(raw.index, raw.kind, bytes(raw.body), raw.hash) for raw in scan]


def rewrite(path: Path, edit: Callable[[Any], Any], facts: bytes | None = None, **how: Any) -> None:
    """Change a table as somebody with pyarrow would; the footer's facts stay, or become others."""
    kept = pq.ParquetFile(path).metadata.metadata[FACTS_KEY] if facts is None else facts
    table = edit(pq.read_table(path))
    pq.write_table(table.replace_schema_metadata({FACTS_KEY: kept}), path, **how)


def fault(folder: Path) -> str:
    """What is said of the tables, after all good rounds have been read."""
    with pytest.raises(LedgerError) as caught:
        list(read_rounds(folder)[1])
    return str(caught.value)


def test_every_record_comes_back(ledger: Path, exported: Path) -> None:
    scan, original = open_records(exported), Scan(ledger)
    assert records(scan) == records(original)
    assert scan.head == original.head and scan.records == ROUNDS + 1
    assert scan.damage is None and scan.reason is None
    assert pq.ParquetFile(exported / "rounds.parquet").num_row_groups == 3
    assert len(list(read_rounds(exported)[1])) == len(list(read_rounds(ledger)[1])) == ROUNDS


def test_the_rounds_of_a_slow_market_come_back(tmp_path: Path) -> None:
    """Cases and reasons of all kinds, negative prices, rounds without trade and without orders."""
    with Ledger.create(tmp_path / "ledger", header()) as own:
        for record in rounds(40, seed=3):
            own.on_round(record)
    done = export_tables(tmp_path / "ledger", parquet=tmp_path / "tables")
    assert (done.rounds, done.head) == (40, own.head)
    assert records(open_records(tmp_path / "tables")) == records(Scan(tmp_path / "ledger"))
    facts = pq.read_table(tmp_path / "tables" / "rounds.parquet").to_pylist()
    assert any(row["heat_price_ueur_per_kwh"] is None for row in facts)
    assert len({row["electricity_case"] for row in facts}) > 2


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_the_groups_of_rows_do_not_matter(ledger: Path, tables: Path, size: int) -> None:
    for table in TABLES:
        rewrite(tables / f"{table}.parquet", lambda t: t, row_group_size=size)
    assert records(open_records(tables)) == records(Scan(ledger))


def test_the_tables_say_what_the_rounds_say(ledger: Path, exported: Path) -> None:
    head, found = read_rounds(ledger)
    whole = list(found)
    rows = {t: pq.read_table(exported / f"{t}.parquet").to_pylist() for t in TABLES}
    names = (*head.names, "(fuel)", "(network)", "(operator)")
    for row, record in zip(rows["rounds"], whole, strict=True):
        assert row["round"] == record.number and row["time"] == record.time
        assert row["electricity_volume_wh"] == record.electricity.volume
        assert row["heat_price_ueur_per_kwh"] == record.heat.price
        assert row["heat_case"] == record.heat.case.name
        assert row["electricity_long_ueur_per_kwh"] == record.tariffs[0, 3]
    offers = iter(rows["offers"])
    for record in whole:
        for commodity, book in zip(("ELECTRICITY", "HEAT"), record.books, strict=True):
            for order, taken, pays in zip(book.orders, book.accepted, book.pays, strict=True):
                row = next(offers)
                assert (row["round"], row["commodity"]) == (record.number, commodity)
                assert row["owner"] == names[order[2]]
                assert row["side"] == ("SELL", "BUY")[order[3]]
                assert (row["price_ueur_per_kwh"], row["energy_wh"]) == (order[4], order[5])
                assert (row["accepted_wh"], row["pays_neur"]) == (taken, pays)
    assert next(offers, None) is None
    accounts = iter(rows["accounts"])
    for record in whole:
        for at, name in enumerate(names):
            row = next(accounts)
            assert row["account"] == name
            assert row["metered_heat_wh"] == record.metered[at, 1]
            assert row["fee_neur"] == record.money[Money.FEE, at]
            assert (row["unserved_heat_wh"] is None) == (at >= len(head.names))
    assert [row["action_ppm"] for row in rows["actions"]] == [
        int(x) for record in whole for x in record.actions
    ]
    assert len(rows["actions"]) > ROUNDS
    conversions = iter(rows["conversions"])
    for record in whole:
        given = record.conversions
        for k, offer in enumerate(given.offers.tolist()):
            row = list(next(conversions).values())
            assert row[:3] == [record.number, offer[0], names[offer[1]]]
            assert row[3:11] == offer[2:]
            assert row[11:] == [given.activity[k], *given.delivered[k], given.earns[k]]
    assert next(conversions, None) is None
    assert sum(row["activity_wh"] > 0 for row in rows["conversions"]) > ROUNDS


def test_wishes_signatures_and_keys_come_back(special: Path, special_tables: Path) -> None:
    found = records(open_records(special_tables))
    assert found == records(Scan(special))
    assert [kind for _, kind, _, _ in found][-1] == RecordType.KEY
    head, recorded = read_rounds(special)
    whole = list(recorded)
    rows = {t: pq.read_table(special_tables / f"{t}.parquet").to_pylist() for t in TABLES}
    offers = {(row["round"], row["commodity"], row["sequence"]): row for row in rows["offers"]}
    names = ("(anybody)", *head.names)
    wishes = iter(rows["wishes"])
    for record in whole:
        for commodity, book in zip(("ELECTRICITY", "HEAT"), record.books, strict=True):
            for wish, origin in zip(book.wishes.tolist(), book.origin.tolist(), strict=True):
                row = next(wishes)
                offer = offers.pop((record.number, commodity, row["sequence"]))
                assert TYPE_NAMES.index(row["attributes"]) == wish[0]
                assert (row["premium_permille"], row["partner"]) == (wish[1], names[wish[2] + 1])
                assert [row[f"{kind}_wh"] for kind in TYPE_NAMES] == origin
                assert sum(origin) == offer["accepted_wh"]
    assert next(wishes, None) is None and len(rows["wishes"]) > 50
    signed = iter(rows["signed"])
    for record in whole:
        for message in record.signed:
            row = next(signed)
            assert (row["round"], row["owner"]) == (record.number, head.names[message.owner])
            assert row["signature"] == message.signature
            assert row["message"].encode() == message.payload
            assert json.loads(row["message"])["organization"] == row["owner"]
    assert next(signed, None) is None and len(rows["signed"]) == 9
    about = json.loads((special.parent / "special_csv" / "recording.json").read_text())
    assert set(about["records"]) == {"0", "4"}
    assert replay(special_tables)


def test_csv_files_hold_the_same(
    ledger: Path, exported: Path, special: Path, special_tables: Path, tmp_path: Path
) -> None:
    export_tables(ledger, csv=tmp_path / "csv")
    check_csv(tmp_path / "csv", exported)
    check_csv(special.parent / "special_csv", special_tables)
    about = json.loads((tmp_path / "csv" / "recording.json").read_text())
    assert about["rounds"] == ROUNDS and about["schema"] == 1


def check_csv(folder: Path, exported: Path) -> None:
    for table in TABLES:
        with (folder / f"{table}.csv").open(newline="", encoding="utf-8") as file:
            found = list(csv.DictReader(file))
        expected = pq.read_table(exported / f"{table}.parquet").to_pylist()
        for row, wanted in zip(found, expected, strict=True):
            for name, value in wanted.items():
                if name in ("hash", "signature"):
                    assert row[name] == value.hex()
                elif name != "time":
                    assert row[name] == ("" if value is None else str(value)), name


def columns() -> list[tuple[str, str]]:
    from decent_gym.ledger.tables.rounds import kinds_of

    return [(table, name) for table, names in kinds_of(header()).items() for name in names]


@pytest.mark.parametrize(("table", "name"), columns())
def test_a_changed_cell_is_found_whatever_the_column(
    exported: Path, special_tables: Path, tmp_path: Path, table: str, name: str
) -> None:
    source = special_tables if table in ("wishes", "signed") else exported
    tables = copied(source, tmp_path / "tables")
    path = tables / f"{table}.parquet"
    row = pq.read_table(path).num_rows // 2

    def edit(found: Any) -> Any:
        at = found.column_names.index(name)
        field, values = found.schema.field(at), found.column(at).to_pylist()
        old = values[row]
        if isinstance(old, str):
            texts = found.column(at).combine_chunks().dictionary.to_pylist()
            values[row] = texts[texts.index(old) - 1]
        elif isinstance(old, bytes):
            values[row] = bytes([old[0] ^ 1]) + old[1:]
        elif name == "time":
            values[row] = old.replace(second=1)
        else:
            values[row] = 1 if old is None else old + 1
        column = pa.array(values, field.type.value_type if isinstance(old, str) else field.type)
        if isinstance(old, str):
            column = pa.DictionaryArray.from_arrays(
                pa.array([texts.index(v) for v in values], pa.int32()), texts
            )
        return found.set_column(at, field, column)

    rewrite(path, edit)
    scan = open_records(tables)
    good = records(scan)
    assert scan.damage is not None and not scan.damage.recoverable
    assert len(good) <= ROUNDS  # the header, and the rounds before
    assert "round" in fault(tables) or table in fault(tables)


def with_nulls(name: str) -> Callable[[Any], Any]:
    def edit(table: Any) -> Any:
        at = table.column_names.index(name)
        values = [None, *table.column(at).to_pylist()[1:]]
        field = table.schema.field(at).with_nullable(True)
        return table.set_column(at, field, pa.array(values, field.type))

    return edit


def as_type(name: str, kind: Any) -> Callable[[Any], Any]:
    def edit(table: Any) -> Any:
        at = table.column_names.index(name)
        return table.set_column(
            at, pa.field(name, kind, nullable=False), table.column(at).cast(kind)
        )

    return edit


def books_swapped(table: Any) -> Any:
    """The first round's rows backwards, the heat book's before the electricity book's."""
    count = table.column("round").to_pylist().count(table.column("round")[0].as_py())
    return table.take([*reversed(range(count)), *range(count, table.num_rows)])


def with_message(text: str) -> Callable[[Any], Any]:
    def edit(table: Any) -> Any:
        at = table.column_names.index("message")
        values = [text, *table.column(at).to_pylist()[1:]]
        column = pa.array(values).dictionary_encode()
        return table.set_column(at, table.schema.field(at), column)

    return edit


def twice(table: Any) -> Any:
    return pa.concat_tables([table.slice(0, 1), table])


def swapped(table: Any) -> Any:
    return table.take([1, 0, *range(2, table.num_rows)])


@pytest.mark.parametrize(
    ("table", "edit", "says"),
    [
        ("wishes", lambda t: t.slice(1), "wishes: there must be a row for each of the book's off"),
        ("wishes", swapped, "wishes: there must be a row for each .* in their order"),
        ("wishes", books_swapped, "wishes: those of one commodity must follow each other"),
        ("wishes", lambda t: t.slice(0, 0), "does not have the hash"),
        ("wishes", lambda t: pa.concat_tables([t, t]), "wishes.parquet: rows of round"),
        ("signed", lambda t: t.slice(1), "does not have the hash"),
        ("signed", swapped, "does not have the hash"),
        ("signed", lambda t: t.slice(0, 0), "does not have the hash"),
        ("signed", twice, "does not have the hash"),
        ("signed", as_type("message", pa.string()), "3 must be 'message' of type dictionary"),
        ("signed", as_type("signature", pa.binary()), "2 must be 'signature' of type fixed_size"),
        ("signed", with_message("x" * 8_001), "column message: a text is .* longer than 8000"),
        ("signed", with_message("[]"), "does not have the hash"),
        ("offers", lambda t: t.slice(1), "does not have the hash"),
        ("offers", lambda t: t.slice(0, t.num_rows - 1), "does not have the hash"),
        ("offers", twice, "does not have the hash"),
        ("offers", swapped, "does not have the hash"),
        ("offers", lambda t: t.slice(0, 0), "does not have the hash"),
        ("offers", lambda t: pa.concat_tables([t, t]), "offers.parquet: rows of round"),
        ("accounts", swapped, "accounts: one row an account, in order"),
        ("accounts", twice, "accounts: one row an account"),
        ("accounts", lambda t: t.slice(1), "accounts: one row an account"),
        ("actions", swapped, "actions: entries from 0 on, in order"),
        ("conversions", swapped, "does not have the hash"),
        ("conversions", lambda t: t.slice(0, 0), "does not have the hash"),
        ("conversions", lambda t: pa.concat_tables([t, t]), "conversions.parquet: rows of round"),
        ("conversions", with_nulls("earns_neur"), "14 must be 'earns_neur' of type int64 without"),
        ("rounds", swapped, r"after 1 records: round \d+: accounts: one row an account"),
        ("rounds", lambda t: t.slice(1), "has 8 rows of 9 rounds"),
        ("rounds", twice, "has 10 rows of 9 rounds"),
        ("offers", lambda t: t.drop_columns(["pays_neur"]), "16 must be 'pays_neur' of type int64"),
        ("offers", lambda t: t.append_column("x", t.column("id")), "column 18 must be nothing"),
        ("offers", as_type("id", pa.float64()), "2 must be 'id' of type int64 .*type double"),
        ("offers", as_type("side", pa.string()), "5 must be 'side' of type dictionary.*string"),
        ("offers", as_type("id", pa.int32()), "column 2 must be 'id' of type int64"),
        ("offers", with_nulls("id"), "'id' of type int64 without nulls, got 'id' of type int64$"),
        ("rounds", as_type("hash", pa.large_binary()), "'hash' of type fixed_size_binary"),
    ],
)  # fmt: skip
def test_a_changed_table_is_named(
    exported: Path, special_tables: Path, tmp_path: Path, table: str, edit: Any, says: str
) -> None:
    source = special_tables if table in ("wishes", "signed") else exported
    tables = copied(source, tmp_path / "tables")
    rewrite(tables / f"{table}.parquet", edit)
    with pytest.raises(LedgerError, match=says):
        list(read_rounds(tables)[1])


def test_names_that_do_not_exist_and_too_many_names(tables: Path) -> None:
    path = tables / "offers.parquet"

    def renamed(names: list[str]) -> Callable[[Any], Any]:
        def edit(table: Any) -> Any:
            at = table.column_names.index("side")
            codes = pa.array(np.zeros(table.num_rows, np.int32))
            column = pa.DictionaryArray.from_arrays(codes, names)
            return table.set_column(at, table.schema.field(at), column)

        return edit

    rewrite(path, renamed(["HOLD"]))
    assert "column side: there is no 'HOLD'" in fault(tables)
    rewrite(path, renamed([f"N{i}" for i in range(1000)]))
    assert "column side: there is no 'N0'" in fault(tables) or "1000 names" in fault(tables)


@pytest.mark.parametrize(
    ("table", "change", "says"),
    [
        ("rounds", {"schema": 2}, "schema version 2 is not known to this program"),
        ("rounds", {"schema": True}, "schema version True is not known"),
        ("offers", {"head": "00" * 32}, "offers.parquet is of another recording"),
        ("accounts", {"rounds": 8}, "accounts.parquet is of another recording"),
        ("offers", {"table": "rounds"}, "offers.parquet holds the table 'rounds'"),
        ("rounds", {"records": {}}, "the ledger's header is missing"),
        ("rounds", {"records": {"0": "00"}}, "facts are not as we write them"),
        ("rounds", {"records": {"0": ["00", "00"]}}, "rounds.parquet: no record begins here"),
        ("rounds", {"records": {"0": "xx"}}, "facts are not as we write them"),
        ("rounds", {"records": []}, "facts are not as we write them"),
        ("rounds", {"head": None}, "facts are not as we write them"),
        ("rounds", {"more": 1}, "facts are not as we write them"),
    ],
)
def test_a_forged_footer_is_named(tables: Path, table: str, change: Any, says: str) -> None:
    path = tables / f"{table}.parquet"
    facts = json.loads(pq.ParquetFile(path).metadata.metadata[FACTS_KEY]) | change
    rewrite(path, lambda t: t, json.dumps(facts, separators=(",", ":")).encode())
    with pytest.raises(LedgerError, match=says):
        list(read_rounds(tables)[1])


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"null", b"[" * 100_000, b"\xff\xfe"])
def test_a_footer_that_is_no_json_is_named(tables: Path, text: bytes) -> None:
    rewrite(tables / "rounds.parquet", lambda t: t, text)
    assert "rounds.parquet" in fault(tables)


def test_a_forged_head_is_found_at_the_end(tables: Path) -> None:
    for table in TABLES:
        path = tables / f"{table}.parquet"
        facts = json.loads(pq.ParquetFile(path).metadata.metadata[FACTS_KEY]) | {"head": "11" * 32}
        rewrite(path, lambda t: t, json.dumps(facts, separators=(",", ":")).encode())
    found = read_rounds(tables)[1]
    assert len([next(found) for _ in range(ROUNDS)]) == ROUNDS
    with pytest.raises(LedgerError, match=f"stated is {'11' * 32}"):
        next(found)


def test_missing_and_foreign_files_are_named(tables: Path) -> None:
    (tables / "offers.parquet").unlink()
    assert "offers.parquet is missing" in fault(tables)
    (tables / "offers.parquet").write_bytes(b"PAR1 what is this PAR1")
    assert "no Parquet file" in fault(tables)


def test_damaged_files_never_crash_nor_pass_for_other_rounds(ledger: Path, tables: Path) -> None:
    whole = records(Scan(ledger))
    good = {table: (tables / f"{table}.parquet").read_bytes() for table in TABLES}
    generator = random.Random(5)
    refused = 0
    for _ in range(100):
        table = generator.choice(TABLES)
        data = bytearray(good[table])
        end = generator.choice((len(data), 1 + min(len(data) - 1, 3_000)))
        data[len(data) - 1 - generator.randrange(end)] ^= 1 << generator.randrange(8)
        (tables / f"{table}.parquet").write_bytes(data)
        scan = open_records(tables)
        found = records(scan)
        assert found == whole[: len(found)]
        assert (scan.damage is None) == (len(found) == len(whole)) or scan.reason
        refused += scan.damage is not None
        (tables / f"{table}.parquet").write_bytes(good[table])
    assert refused > 40


def test_nothing_is_lost_without_a_word(ledger: Path, tmp_path: Path) -> None:
    """A field that the tables do not know, as a later version may have one."""
    from dataclasses import replace

    def forgetful(*args: Any) -> Round:
        return replace(original(*args), timestamp=0)

    original = export.round_of
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "round_of", forgetful)
        with pytest.raises(LedgerError, match=r"round \d+ holds what these tables cannot"):
            export_tables(ledger, parquet=tmp_path / "tables")
    assert list(tmp_path.iterdir()) == []


def test_a_signed_message_that_is_no_text_is_named(special: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    head, found = read_rounds(special)
    record = next(found)
    spoilt = replace(record.signed[0], payload=b"\xff\xfe")
    forger.write(tmp_path / "l", head, [replace(record, signed=(spoilt,))])
    with pytest.raises(LedgerError, match=r"round \d+: a signed message is no text .*verify"):
        export_tables(tmp_path / "l", parquet=tmp_path / "tables")
    assert [path.name for path in tmp_path.iterdir()] == ["l"]


def test_what_cannot_be_exported_leaves_nothing_behind(ledger: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="say where to export to"):
        export_tables(ledger)
    with pytest.raises(InputError, match="there is no ledger at"):
        export_tables(tmp_path, parquet=tmp_path / "a")
    torn = tmp_path / "torn"
    torn.mkdir()
    for file in ledger.iterdir():
        (torn / file.name).write_bytes(file.read_bytes()[:-5])
    with pytest.raises(LedgerError, match="torn is broken after 9 records"):
        export_tables(torn, parquet=tmp_path / "a", csv=tmp_path / "b")
    (tmp_path / "c").mkdir()
    with pytest.raises(InputError, match="c exists already"):
        export_tables(ledger, parquet=tmp_path / "a", csv=tmp_path / "c")
    with Ledger.create(tmp_path / "empty", header()):
        pass
    with pytest.raises(LedgerError, match="no round has been recorded"):
        export_tables(tmp_path / "empty", parquet=tmp_path / "a")
    assert {path.name for path in tmp_path.iterdir()} == {"torn", "c", "empty"}


def test_there_is_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no ledger at .* 'decent-gym export'"):
        read_rounds(tmp_path)


def test_without_pyarrow_one_sentence_says_what_to_install(
    ledger: Path, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    says = r"needs pyarrow: pip install 'decent-gym\[data\]'$"
    with pytest.raises(MissingExtraError, match=says):
        export_tables(ledger, csv=tmp_path / "csv")
    with pytest.raises(MissingExtraError, match=says):
        read_rounds(exported)
    assert len(list(read_rounds(ledger)[1])) == ROUNDS


def test_the_command_exports_and_the_tables_replay(
    ledger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, other = tmp_path / "tables", tmp_path / "csv"
    argv = ["export", str(ledger), "--parquet", str(target), "--csv", str(other)]
    assert main([*argv, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["rounds"], found["parquet"], found["csv"]) == (ROUNDS, str(target), str(other))
    result = replay(target)
    assert result and result.head == found["head"] and result.rounds == ROUNDS
    assert main(["replay", str(target)]) == 0
    assert main(argv) == 2  # taken
    assert main(["export", str(ledger)]) == 2
    assert "--parquet FOLDER, --csv FOLDER or both" in capsys.readouterr().err


def test_a_scenario_file_is_found_from_the_tables_too(tmp_path: Path) -> None:
    from scenarios.street_files import write_street

    street = write_street(tmp_path)
    argv = ["run", "--scenario", str(street), "--rounds", "3", "--quiet"]
    assert main([*argv, "--ledger", str(tmp_path / "ledgers" / "one")]) == 0
    tables = tmp_path / "here" / "and" / "there"
    export_tables(tmp_path / "ledgers" / "one", parquet=tables)
    assert json.loads((tables / META).read_text())["scenario"] == "../../../street.toml"
    assert replay(tables)


def test_every_column_is_described() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "recordings.md"
    words = set(re.findall(r"\w+", page.read_text(encoding="utf-8")))
    for _, name in columns():
        short = re.sub("^(electricity|heat)_", "", name)
        tariff = re.sub("_ueur_per_kwh$", "_", short)
        assert words & {name, short, tariff}, name
