"""The page's files, held in memory, the headers they are sent with, and who may ask for them."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wakeword.errors import ServerError

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".flac": "audio/flac",
}


#: A name, an IPv4 address or an IPv6 address in brackets, and perhaps a port. Nothing else gets into a header.
_HOST = re.compile(r"(?P<name>[a-z0-9._-]+|\[(?P<v6>[0-9a-f:.]+)\])(:[0-9]{1,5})?", re.IGNORECASE)


@dataclass(frozen=True)
class Content:
    """A body and its media type."""

    body: bytes
    media_type: str


class Page:
    """What is served, by path. All of it is read at the start, so no request ever reaches the disk."""

    def __init__(self, files: Mapping[str, Content]) -> None:
        self._files = dict(files)

    @classmethod
    def of_folder(cls, folder: Path, facts: Mapping[str, object], recording: Path | None = None) -> Page:
        """The files of a folder, ``facts`` as /facts.json, and ``recording`` under its name.

        Raises ServerError when the folder holds no page.
        """
        paths = [path for path in sorted(folder.glob("*")) if path.suffix in _TYPES]
        if recording is not None:
            paths.append(recording)
            facts = {**facts, "recording": recording.name}
        files = {f"/{path.name}": Content(path.read_bytes(), _TYPES[path.suffix]) for path in paths}
        if "/index.html" not in files:
            raise ServerError(f"the page is not in {folder}: install wakeword again")
        files["/"] = files["/index.html"]
        files["/facts.json"] = Content(json.dumps(facts).encode(), _TYPES[".json"])
        return cls(files)

    def get(self, path: str) -> Content | None:
        """What is served under a request's path, or None."""
        return self._files.get(path.split("?", 1)[0])


def headers(host: str) -> dict[str, str]:
    """The headers every answer to a request for ``host`` carries: the page may load and reach nothing else."""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "worker-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "media-src": "blob:",
        "connect-src": f"'self' ws://{host} wss://{host}",  # not every browser counts ws: as 'self'
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "microphone=(self)",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine's own and nobody else's."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Door:
    """Which Host and Origin headers are let in.

    bound   the name or address the server was told to listen at

    A page elsewhere on the web can make its own name point here (DNS rebinding) and then reach the server from the
    visitor's browser. That needs a name: the server answers to "localhost", to the name it was told, and to bare
    addresses, which nobody else can give to a page of theirs.
    """

    def __init__(self, bound: str) -> None:
        self._bound = bound.casefold()

    def knows_host(self, host: str) -> bool:
        """Whether a Host header, with or without a port, is one of ours."""
        parts = _HOST.fullmatch(host)
        if parts is None:
            return False
        name = (parts["v6"] or parts["name"]).casefold()
        if name == self._bound or is_loopback(name):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return not is_loopback(self._bound)

    @staticmethod
    def same_origin(origin: str, host: str) -> bool:
        """Whether an Origin header is that of a page served from ``host``."""
        return origin in (f"http://{host}", f"https://{host}")
