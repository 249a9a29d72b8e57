"""A policy acts as its files say, and edited files are refused without being executed."""

import base64
import io
import json
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.save_util import load_from_zip_file

import decent_gym
from agents import archives
from agents.description import Description
from agents.learned import MODEL, NORMALISATION, LearnedPolicy, build_network, read_parameters
from decent_gym.errors import DataError, InputError


class Payload:
    """Unpickling this creates a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path: Path, content: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def saved(value: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def test_predicts_what_the_files_say(folder: Path, description: Description) -> None:
    policy = LearnedPolicy.load(folder)
    random = np.random.default_rng(1)
    seen = random.normal(size=(50, len(description.observations))).astype(np.float32) * 3
    with np.load(folder / NORMALISATION) as n:
        scaled = (seen - n["observation_mean"]) / np.sqrt(n["observation_variance"] + 1e-8)
    network = build_network(description)
    network.load_state_dict(read_parameters(folder)["policy"])
    inside = torch.as_tensor(np.clip(scaled, -5, 5), dtype=torch.float32)
    wanted = np.clip(network.get_distribution(inside).mode().detach().numpy(), -1, 1)
    acted = policy.predict(seen)
    assert acted.dtype == np.float32
    assert acted.shape == (50, 2)
    np.testing.assert_allclose(acted, wanted, atol=1e-6)
    assert np.ptp(acted) > 0.1
    np.testing.assert_allclose(policy.predict(seen[3]), acted[3], atol=1e-6)
    policy.reset()
    policy.reset(np.array([True, False]))
    np.testing.assert_array_equal(policy.predict(seen), acted)


def random_observations(steps: int, rows: int) -> Any:
    random = np.random.default_rng(1)
    wide = len(decent_gym.observation_fields())
    return random.normal(size=(steps, rows, wide)).astype(np.float32) * 3


def read_by_hand(folder: Path, seen: Any) -> tuple[Any, dict[str, Any]]:
    """Normalised observations and weights, in float64."""
    with np.load(folder / NORMALISATION) as n:
        scaled = (seen - n["observation_mean"]) / np.sqrt(n["observation_variance"] + 1e-8)
    weights = {k: v.numpy().astype(float) for k, v in read_parameters(folder)["policy"].items()}
    return np.clip(scaled, -5, 5), weights


@pytest.mark.parametrize("algorithm", ["behaviour_cloning", "rllib_ppo"])
def test_some_algorithms_share_ppos_network(
    folder: Path, folder_of: Callable[[str], Path], algorithm: str
) -> None:
    seen = random_observations(1, 20)[0]
    other = LearnedPolicy.load(folder_of(algorithm))
    assert other.description.algorithm == algorithm
    np.testing.assert_array_equal(other.predict(seen), LearnedPolicy.load(folder).predict(seen))


def test_sac_acts_with_the_squashed_mean(folder_of: Callable[[str], Path]) -> None:
    folder = folder_of("sac")
    seen = random_observations(1, 50)[0]
    x, w = read_by_hand(folder, seen)
    for name in ("actor.latent_pi.0", "actor.mu"):
        x = np.tanh(x @ w[f"{name}.weight"].T + w[f"{name}.bias"])  # tanh: hidden and squashing
    acted = LearnedPolicy.load(folder).predict(seen)
    assert acted.dtype == np.float32
    np.testing.assert_allclose(acted, x, atol=1e-5)
    assert np.ptp(acted) > 0.5
    assert np.abs(acted).max() <= 1


def lstm_by_hand(folder: Path, seen: Any) -> Any:
    """Actions (T, n, A) of a recurrent policy whose n episodes begin at the first of T steps."""
    x, w = read_by_hand(folder, seen)
    hidden = cell = np.zeros((seen.shape[1], 5))
    actions = []
    for now in x:
        gates = now @ w["lstm_actor.weight_ih_l0"].T + hidden @ w["lstm_actor.weight_hh_l0"].T
        gates += w["lstm_actor.bias_ih_l0"] + w["lstm_actor.bias_hh_l0"]
        into, forget, fresh, out = np.split(gates, 4, axis=1)
        into, forget, out = (1 / (1 + np.exp(-gate)) for gate in (into, forget, out))
        cell = forget * cell + into * np.tanh(fresh)
        hidden = out * np.tanh(cell)
        inner = hidden @ w["mlp_extractor.policy_net.0.weight"].T
        inner = np.tanh(inner + w["mlp_extractor.policy_net.0.bias"])
        actions.append(np.clip(inner @ w["action_net.weight"].T + w["action_net.bias"], -1, 1))
    return np.array(actions)


def test_recurrent_policies_remember_every_row(folder_of: Callable[[str], Path]) -> None:
    folder = folder_of("recurrent_ppo")
    seen = random_observations(12, 4)
    wanted = lstm_by_hand(folder, seen)
    policy = LearnedPolicy.load(folder)
    for _ in range(2):
        policy.reset()
        acted = np.stack([policy.predict(now) for now in seen])
        np.testing.assert_allclose(acted, wanted, atol=1e-5)
    assert acted.dtype == np.float32
    fresh = np.stack([LearnedPolicy.load(folder).predict(now) for now in seen])
    assert np.abs(fresh[1:] - acted[1:]).max() > 0.1, "it remembers nothing"
    policy.reset()
    alone = np.stack([policy.predict(now[2]) for now in seen])  # one row, without its axis
    np.testing.assert_allclose(alone, wanted[:, 2], atol=1e-5)


def test_rows_begin_episodes_of_their_own(folder_of: Callable[[str], Path]) -> None:
    folder = folder_of("recurrent_ppo")
    seen = random_observations(12, 4)
    policy = LearnedPolicy.load(folder)
    for now in seen[:5]:
        policy.predict(now)
    policy.reset(np.array([False, True, False, True]))
    acted = np.stack([policy.predict(now) for now in seen[5:]])
    np.testing.assert_allclose(acted[:, ::2], lstm_by_hand(folder, seen)[5:, ::2], atol=1e-5)
    np.testing.assert_allclose(acted[:, 1::2], lstm_by_hand(folder, seen[5:])[:, 1::2], atol=1e-5)


def test_forgotten_resets_are_noticed(folder_of: Callable[[str], Path]) -> None:
    policy = LearnedPolicy.load(folder_of("recurrent_ppo"))
    seen = random_observations(1, 4)[0]
    policy.predict(seen)
    with pytest.raises(InputError, match=r"3 rows, but the policy remembers 4; call reset\(\)"):
        policy.predict(seen[:3])
    with pytest.raises(InputError, match="remembers 4"):
        policy.predict(seen[0])
    for rows in (np.zeros(3, bool), np.zeros(4), np.zeros((4, 1), bool), True, [0, 1]):
        with pytest.raises(InputError, match=r"rows must be bool \(4,\)"):
            policy.reset(rows)
    policy.reset()
    policy.predict(seen[:3])


@pytest.mark.parametrize(
    "change",
    [
        lambda o: o[:-1],
        lambda o: o[None, None],
        lambda o: np.where(np.arange(len(o)) == 2, np.nan, o),
        lambda o: np.where(np.arange(len(o)) == 2, np.inf, o),
    ],
)
def test_wrong_observation_is_refused(folder: Path, change: Callable[[Any], Any]) -> None:
    policy = LearnedPolicy.load(folder)
    right = np.zeros(len(policy.description.observations), np.float32)
    policy.predict(right)
    with pytest.raises(InputError, match="obs"):
        policy.predict(change(right))


def test_pickled_data_does_not_run(folder: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    payload = base64.b64encode(pickle.dumps(Payload(mark))).decode()
    data = '{"policy_class": {":type:": "x", ":serialized:": "' + payload + '"}}'
    rewrite(folder / MODEL, {**members(folder / MODEL), "data": data.encode()})
    with pytest.raises(DataError, match="'data', which we never write"):
        LearnedPolicy.load(folder)
    assert not mark.exists()
    load_from_zip_file(folder / MODEL)  # what PPO.load does
    assert mark.exists(), "the payload is harmless, so the test shows nothing"


def test_pickle_among_the_weights_does_not_run(folder: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    weights = saved({"log_std": Payload(mark)})
    rewrite(folder / MODEL, {**members(folder / MODEL), "policy.pth": weights})
    with pytest.raises(DataError, match="more than tensors"):
        LearnedPolicy.load(folder)
    assert not mark.exists()
    torch.load(io.BytesIO(weights), weights_only=False)
    assert mark.exists(), "the payload is harmless, so the test shows nothing"


def test_pickled_array_does_not_run(folder: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    buffer = io.BytesIO()
    np.save(buffer, np.array(Payload(mark), object), allow_pickle=True)
    inside = members(folder / NORMALISATION)
    rewrite(folder / NORMALISATION, {**inside, "return_mean.npy": buffer.getvalue()})
    with pytest.raises(DataError, match="return_mean must be float64"):
        LearnedPolicy.load(folder)
    assert not mark.exists()


def weights_of(content: dict[str, bytes]) -> dict[str, torch.Tensor]:
    loaded = torch.load(io.BytesIO(content["policy.pth"]), weights_only=True)
    return dict(loaded)


def with_weights(change: Callable[[dict[str, Any]], Any]) -> Callable[[Any], dict[str, bytes]]:
    def edit(content: dict[str, bytes]) -> dict[str, bytes]:
        weights = weights_of(content)
        changed = change(weights)
        return {**content, "policy.pth": saved(weights if changed is None else changed)}

    return edit


def old_format(content: dict[str, bytes]) -> dict[str, bytes]:
    buffer = io.BytesIO()
    torch.save(weights_of(content), buffer, _use_new_zipfile_serialization=False)
    return {**content, "policy.pth": buffer.getvalue()}


@pytest.mark.parametrize("algorithm", ["sac", "recurrent_ppo"])
def test_other_networks_are_as_strict(folder_of: Callable[[str], Path], algorithm: str) -> None:
    folder = folder_of(algorithm)
    LearnedPolicy.load(folder)
    right = members(folder / MODEL)
    names = list(weights_of(right))
    assert len(names) > 10
    for name in names:
        for change in (
            lambda w, name=name: {k: v for k, v in w.items() if k != name},
            lambda w, name=name: {**w, name: w[name] * np.nan},
            lambda w, name=name: {**w, name: torch.zeros(1, 2, 3)},
        ):
            changed = saved(change(weights_of(right)))
            rewrite(folder / MODEL, {**right, "policy.pth": changed})
            with pytest.raises(DataError, match=r"model\.zip"):
                LearnedPolicy.load(folder)
    for other in {"ppo", "sac", "recurrent_ppo"} - {algorithm}:
        rewrite(folder / MODEL, members(folder_of(other) / MODEL))
        with pytest.raises(DataError, match=r"model\.zip does not fit"):
            LearnedPolicy.load(folder)


@pytest.mark.parametrize(
    "value", [{"x": torch.full((1,), np.nan)}, {"x": 1.0}, [torch.zeros(1)], torch.zeros(1)]
)
def test_edited_variables_are_refused(folder: Path, value: Any) -> None:
    right = members(folder / MODEL)
    rewrite(folder / MODEL, {**right, "pytorch_variables.pth": saved({"x": torch.zeros(1)})})
    assert read_parameters(folder)["variables"] == {"x": torch.zeros(1)}
    rewrite(folder / MODEL, {**right, "pytorch_variables.pth": saved(value)})
    with pytest.raises(DataError, match=r"model\.zip"):
        LearnedPolicy.load(folder)


def test_a_folder_of_the_first_schema_acts_the_same(folder: Path) -> None:
    seen = random_observations(1, 5)[0]
    acted = LearnedPolicy.load(folder).predict(seen)
    path = folder / "policy.json"
    data = json.loads(path.read_text())
    del data["lstm"], data["validation"]
    path.write_text(json.dumps({**data, "schema": 1}))
    np.testing.assert_array_equal(LearnedPolicy.load(folder).predict(seen), acted)


@pytest.mark.parametrize(
    "edit",
    [
        with_weights(lambda w: w.update(log_std=w["log_std"] * np.nan)),
        with_weights(lambda w: w.update(log_std=w["log_std"] / 0)),
        with_weights(lambda w: w.update(log_std=torch.zeros(3))),
        with_weights(lambda w: w.update(more=torch.zeros(3))),
        with_weights(lambda w: {k: v for k, v in w.items() if k != "log_std"}),
        with_weights(lambda w: w.update(log_std=1.0)),
        with_weights(lambda w: [1, 2]),
        with_weights(lambda w: {}),
        old_format,
        lambda c: {k: v for k, v in c.items() if k != "policy.pth"},
        lambda c: {**c, "policy.pth": c["policy.pth"][:-100]},
        lambda c: {**c, "policy.pth": b""},
        lambda c: {**c, "../evil.pth": c["policy.pth"]},
        lambda c: {**c, "/evil.pth": c["policy.pth"]},
        lambda c: {**c, "other.pth": c["policy.pth"]},
    ],
)
def test_edited_model_is_refused(folder: Path, edit: Callable[[Any], dict[str, bytes]]) -> None:
    LearnedPolicy.load(folder)
    rewrite(folder / MODEL, edit(members(folder / MODEL)))
    with pytest.raises(DataError, match=r"model\.zip"):
        LearnedPolicy.load(folder)


def as_npy(value: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, value)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("observation_mean", np.zeros(3)),
        ("observation_mean", np.zeros(77, np.float32)),
        ("observation_mean", np.full(77, np.nan)),
        ("observation_variance", np.full(77, -1.0)),
        ("observation_variance", np.full(77, np.inf)),
        ("return_variance", np.zeros((1, 1))),
        ("return_count", np.array(-1.0)),
        ("another", np.zeros(1)),
    ],
)
def test_edited_normalisation_is_refused(folder: Path, name: str, value: Any) -> None:
    inside = members(folder / NORMALISATION)
    rewrite(folder / NORMALISATION, {**inside, f"{name}.npy": as_npy(value)})
    with pytest.raises(DataError, match=name):
        LearnedPolicy.load(folder)


@pytest.mark.parametrize("file", [MODEL, NORMALISATION])
@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda path: path.unlink(), "missing"),
        (lambda path: path.write_bytes(b"no zip"), "no zip"),
        (lambda path: path.write_bytes(path.read_bytes()[:-30]), "no zip|never write"),
        (lambda path: rewrite(path, {}), "missing|no named weights"),
    ],
)
def test_broken_archive_is_refused(
    folder: Path, file: str, change: Callable[[Path], Any], why: str
) -> None:
    change(folder / file)
    with pytest.raises(DataError, match=why):
        LearnedPolicy.load(folder)


def test_flipped_bytes_are_refused_or_harmless(folder: Path) -> None:
    for file in (MODEL, NORMALISATION):
        right = (folder / file).read_bytes()
        random = np.random.default_rng(5)
        refused = 0
        for at in random.integers(len(right), size=60):
            wrong = bytearray(right)
            wrong[at] ^= 1 << int(random.integers(8))
            (folder / file).write_bytes(wrong)
            try:
                policy = LearnedPolicy.load(folder)
            except DataError:
                refused += 1
            else:
                assert np.isfinite(policy.predict(np.zeros(77))).all()
        assert refused > 20
        (folder / file).write_bytes(right)


def test_bombs_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "LARGEST_ARCHIVE", 100_000)
    LearnedPolicy.load(folder)
    right = members(folder / MODEL)
    rewrite(folder / MODEL, {**right, "system_info.txt": b"0" * 200_000})
    assert (folder / MODEL).stat().st_size < 100_000
    with pytest.raises(DataError, match="would unpack"):
        LearnedPolicy.load(folder)

    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("policy/data/0", b"0" * 200_000)
    rewrite(folder / MODEL, {**right, "policy.pth": inner.getvalue()})
    with pytest.raises(DataError, match=r"policy\.pth would unpack"):
        LearnedPolicy.load(folder)


def test_a_name_twice_is_refused(folder: Path) -> None:
    right = members(folder / MODEL)
    with (
        pytest.warns(UserWarning, match="Duplicate name"),
        zipfile.ZipFile(folder / MODEL, "a") as archive,
    ):
        archive.writestr("policy.pth", right["policy.pth"])
    with pytest.raises(DataError, match="twice"):
        LearnedPolicy.load(folder)


def test_other_observations_are_refused(folder: Path) -> None:
    path = folder / "policy.json"
    path.write_text(path.read_text().replace('"battery_level"', '"battery_lvl"'))
    with pytest.raises(DataError, match="entry 6 is 'battery_lvl' there and 'battery_level' here"):
        LearnedPolicy.load(folder)


def test_missing_folder_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="give the folder"):
        LearnedPolicy.load(tmp_path)


def test_folder_can_move(folder: Path, tmp_path: Path) -> None:
    shutil.move(folder, tmp_path / "elsewhere")
    LearnedPolicy.load(tmp_path / "elsewhere")
