"""``wakeword demo --web`` as a command: what it refuses, and in which words."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "wakeword", "demo", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_without_web_it_replays_the_recording(tmp_path: Path, make_model: Callable[..., Any]) -> None:
    make_model("happy").save(tmp_path / "happy.wakeword")
    ended = demo("--fast", "--model", str(tmp_path / "happy.wakeword"))
    assert ended.returncode == 1  # random weights find no keyword without alarms
    assert "34 words by 34 people" in ended.stdout
    assert "FAILED" in ended.stdout


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = demo("--web", "--port", str(taken.getsockname()[1]))
    assert ended.returncode == 2
    assert ended.stderr.startswith("wakeword: nobody can listen at 127.0.0.1, port ")
    assert "--port" in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("host", ["no such host", "203.0.113.7", "192.168.1..5"])
def test_an_address_that_is_not_ours_is_one_sentence(host: str) -> None:
    ended = demo("--web", "--port", "0", "--host", host)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"wakeword: nobody can listen at {host}, port 0")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--web", "--fast"], "--web excludes"),
        (["--web", "--mic"], "--web excludes"),
        (["--mic", "--fast"], "--mic and --fast exclude each other"),
        (["--web", "--model", "nowhere"], "there is no such model file"),
        (["--model", "happy", "--model", "happy"], "one --model"),
        (["--web", "--port", "65536"], "65535"),
    ],
)
def test_what_makes_no_sense_is_told(arguments: list[str], said: str) -> None:
    ended = demo(*arguments)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_without_websockets_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['websockets'] = None; from wakeword.cli import main; main(['demo', '--web'])"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("wakeword: this needs websockets")
    assert ended.stderr.endswith("install it with  pip install 'wakeword[serve]'\n")
    assert ended.stderr.count("\n") == 1
