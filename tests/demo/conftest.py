"""The page's real parts: ``wakeword demo --web`` as a process, and a headless Chromium driven over its DevTools."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --autoplay-policy=no-user-gesture-required "
    "--use-fake-device-for-media-stream --remote-debugging-port=0"
)
#: A loaded machine takes its time; a passing test never waits so long.
PATIENCE_S = 120.0


class Browser:
    """One page of a headless Chromium.

    microphone   a wav file it hears once, from when it is opened; None: the user does not allow a microphone
    """

    def __init__(self, program: str, folder: Path, microphone: Path | None) -> None:
        allowed = ["--use-fake-ui-for-media-stream", f"--use-file-for-fake-audio-capture={microphone}%noloop"]
        heard = allowed if microphone else []
        command = [program, *FLAGS.split(), f"--user-data-dir={folder}", *heard, "about:blank"]
        quiet = subprocess.DEVNULL
        self._opened = contextlib.ExitStack()
        self._process = subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)
        self.problems: list[str] = []
        self.requests: list[str] = []
        self._numbers = itertools.count(1)
        try:
            self._socket = self._connect(folder)
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.send(f"{domain}.enable")
        except BaseException:
            self.close()
            raise

    def _connect(self, folder: Path) -> Any:
        from websockets.sync.client import connect

        def debugger() -> str | None:
            port = (folder / "DevToolsActivePort").read_text().split("\n")[0]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=5) as answer:
                pages = [target for target in json.load(answer) if target["type"] == "page"]
            return pages[0]["webSocketDebuggerUrl"] if pages else None

        address = eventually(debugger, OSError)
        return self._opened.enter_context(
            connect(address, max_size=2**26, compression=None, proxy=None, ping_interval=None)
        )

    def send(self, method: str, **parameters: Any) -> Any:
        """The result of a DevTools command; what the page did wrong meanwhile is in ``problems``."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=PATIENCE_S))
            self._note(message)
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]

    def _note(self, message: dict[str, Any]) -> None:
        told = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(told["exceptionDetails"]))
        elif message.get("method") == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.problems.append(json.dumps(told["entry"]))
        elif message.get("method") == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])

    def run(self, script: str) -> Any:
        """The value of an expression in the page; promises are awaited."""
        asked = {"expression": script, "awaitPromise": True, "returnByValue": True, "userGesture": True}
        result = self.send("Runtime.evaluate", **asked)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def until(self, script: str) -> Any:
        """The first true value of an expression."""
        return eventually(lambda: self.run(script), ())

    def open(self, url: str) -> None:
        """Open a page and wait until it says what to do."""
        self.send("Page.navigate", url=url)
        self.until("!!document.getElementById('status')?.textContent.match(/Press Listen|Drop a sound/)")

    def screen(self, width: int, height: int, dark: bool = False, calm: bool = False, scale: float = 1.0) -> None:
        """The size of the screen and what the system prefers."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 600}
        self.send("Emulation.setDeviceMetricsOverride", **metrics)
        features = {
            "prefers-color-scheme": "dark" if dark else "light",
            "prefers-reduced-motion": "reduce" if calm else "no-preference",
        }
        as_list = [{"name": name, "value": value} for name, value in features.items()]
        self.send("Emulation.setEmulatedMedia", features=as_list)

    def press(self, key: str, code: int) -> None:
        """One key, as a keyboard sends it."""
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r" if key == "Enter" else " "} if key in ("Enter", " ") and kind == "keyDown" else {}
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)

    def choose_file(self, path: Path) -> None:
        """Put a file into the page's file button."""
        root = self.send("DOM.getDocument")["root"]["nodeId"]
        node = self.send("DOM.querySelector", nodeId=root, selector="#file")["nodeId"]
        self.send("DOM.setFileInputFiles", files=[str(path)], nodeId=node)

    def drop_file(self, path: Path) -> None:
        """Drag a file over the page and let it go there, through the browser's own handling of drags."""
        data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.send("Input.dispatchDragEvent", type=kind, x=300, y=300, data=data)

    def picture(self, path: Path, whole: bool = True) -> None:
        """Save what is to be seen as a PNG."""
        taken = self.send("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(taken["data"]))

    def close(self) -> None:
        """Close the page and end the browser's processes."""
        self._opened.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=10)


def eventually(ask: Callable[[], Any], not_yet: type[Exception] | tuple[()]) -> Any:
    """The first true answer; an exception of ``not_yet`` is none."""
    until = time.monotonic() + PATIENCE_S
    answer = None
    while time.monotonic() < until:
        with contextlib.suppress(not_yet):
            answer = ask()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"after {PATIENCE_S:g} s there is only {answer!r}")


@pytest.fixture
def browse(tmp_path: Path) -> Iterator[Callable[..., Browser]]:
    """browse(microphone=None) starts a Browser; all of them are closed at the end."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("needs a Chromium (apt install chromium)")
    with contextlib.ExitStack() as opened:

        def start(microphone: Path | None = None) -> Browser:
            browser = Browser(program, tmp_path / f"profile{time.monotonic_ns()}", microphone)
            opened.callback(browser.close)
            return browser

        yield start


class PageServer:
    """``wakeword demo --web`` on a free port; ``url`` is where the page is."""

    def __init__(self, arguments: Sequence[str], cwd: Path, env: Mapping[str, str] | None) -> None:
        command = [sys.executable, "-m", "wakeword", "demo", "--web", "--port", "0", *arguments]
        self._process = subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert said.startswith("open http://127.0.0.1:"), said
        assert "this machine only" in said
        self.url = said.split()[1]

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)
        self._process.communicate(timeout=20)
        assert self._process.returncode == 0


@pytest.fixture
def serve_page() -> Iterator[Callable[..., PageServer]]:
    """serve_page(*arguments) starts a PageServer from this checkout, or from another place."""
    with contextlib.ExitStack() as started:

        def start(*arguments: str, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> PageServer:
            server = PageServer(arguments, cwd, env)
            started.callback(server.stop)
            return server

        yield start
