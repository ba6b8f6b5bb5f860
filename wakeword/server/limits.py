"""What clients may take of a service, so that none of them can exhaust it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """message_bytes  data and payload of one message; a larger one ends the connection
    clients        connections at a time; one more is told so and closed
    idle_s         a connection on which no message begins for so long is closed
    stall_s        and so is one that stops in the middle of a message, or does not read what it is sent
    """

    message_bytes: int = 2**20
    clients: int = 100
    idle_s: float = 600.0
    stall_s: float = 30.0

    def __post_init__(self) -> None:
        if min(self.message_bytes, self.clients) < 1 or min(self.idle_s, self.stall_s) <= 0.0:
            raise ValueError(f"the limits of a service are above 0: {self}")
