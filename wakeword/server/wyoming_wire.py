"""Wyoming's events from a byte stream that need not be honest.

An event is a line of JSON (type, and the lengths of what follows), JSON data, and a binary payload. The wyoming
package reads them too, but takes any length a client claims and lets a header that is no object end in an exception.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from wyoming.event import Event

from wakeword.server.limits import Limits

#: The longest header line; also the buffer of a connection.
HEADER_BYTES = 2**16


class ProtocolError(Exception):
    """What arrived is no Wyoming event; where the next one would begin is unknown, so the connection has to end."""


async def read_event(reader: asyncio.StreamReader, limits: Limits) -> Event | None:
    """The next event; None when the client is gone, be it in the middle of one.

    Raises ProtocolError, and TimeoutError when nothing begins for limits.idle_s or stops for limits.stall_s.
    """
    try:
        async with asyncio.timeout(limits.idle_s):
            line = await reader.readline()
    except ValueError as error:  # longer than the reader's limit
        raise ProtocolError(f"a header line is longer than {HEADER_BYTES} bytes") from error
    if not line.endswith(b"\n"):
        return None
    header = _object(line, "header")
    kind, data = header.get("type"), header.get("data") or {}
    if not isinstance(kind, str) or not isinstance(data, dict):
        raise ProtocolError("a header needs a type that is a text, and data that is an object")
    data_length, payload_length = _length(header, "data_length"), _length(header, "payload_length")
    if data_length + payload_length > limits.message_bytes:
        raise ProtocolError(f"a message is larger than {limits.message_bytes} bytes")
    try:
        async with asyncio.timeout(limits.stall_s):
            if data_length:
                data = {**data, **_object(await reader.readexactly(data_length), "data")}
            payload = await reader.readexactly(payload_length) if payload_length else None
    except asyncio.IncompleteReadError:
        return None
    return Event(kind, data, payload)


def _object(text: bytes, what: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"the {what} of a message is no JSON") from error
    if not isinstance(found, dict):
        raise ProtocolError(f"the {what} of a message is JSON, but no object")
    return found


def _length(header: dict[str, Any], name: str) -> int:
    value = header.get(name)
    if value is None:
        return 0
    if type(value) is not int or value < 0:
        raise ProtocolError(f"the {name} of a message is a number of bytes")
    return value
