"""Many participants with many offers: all are taken, recorded and settled.

The figure asked for, 10,000 offers of 100 participants, is ``python -m benchmarks.bench_live``.
"""

from argparse import Namespace

from live.mosquitto_process import needs_mosquitto

from benchmarks.bench_live import ROUNDS, run


@needs_mosquitto
def test_every_signed_offer_of_a_full_round_is_taken_recorded_and_settled():
    args = Namespace(participants=6, offers=130, speed=900, single=False, signed=True)
    found = run(args)
    assert found["verified"]
    assert found["messages"] == 6 * 2
    assert found["signatures"] == 6 * 2 * ROUNDS
    assert [found[name] for name in ("sent", "taken", "recorded", "settled")] == [6 * 130] * 4
