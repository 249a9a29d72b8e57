"""Where a live market and its participants write to each other."""

from dataclasses import dataclass

from decent_gym.views.mqtt_payload import Topics


@dataclass(frozen=True, slots=True)
class MarketTopics(Topics):
    """Topics of one district's live market, besides its rounds and its status.

    Whoever handles a message compares its topic with these, letter by letter: no part of a topic
    is ever cut out, decoded or used as a path.
    """

    def offers(self, organization: str) -> str:
        """Where `organization` alone publishes its offers."""
        return f"{self.root}/offers/{organization}"

    def receipts(self, organization: str) -> str:
        """Where the market answers them: receipts at once, a settlement after the round."""
        return f"{self.root}/receipts/{organization}"

    def opening(self, organization: str) -> str:
        """Where the market says which round is open and what `organization` may know; retained."""
        return f"{self.root}/openings/{organization}"

    def requests(self, user: str) -> str:
        """Where `user` asks for records of the ledger."""
        return f"{self.root}/requests/{user}"

    def records(self, user: str) -> str:
        """Where they are sent, as the ledger's own bytes."""
        return f"{self.root}/records/{user}"
