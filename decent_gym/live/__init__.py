"""What runs on while others live: serve, subscribe, witness."""

from decent_gym.live.openings import Opening
from decent_gym.live.own_offers import acted_offers, scripted_offers
from decent_gym.live.participant import Participant, Settled
from decent_gym.live.session import trusting, with_password

__all__ = [
    "Opening",
    "Participant",
    "Settled",
    "acted_offers",
    "scripted_offers",
    "trusting",
    "with_password",
]
