"""The page in a real browser, served by the real command: its microphone, its files, its looks."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from wakeword import Detector, kernel
from wakeword.cli.detect import hear_file

ROOT = Path(__file__).resolve().parents[2]
RECORDING = ROOT / "demo" / "recordings" / "happy.flac"
#: "happy" is said four times in these seconds of the recording, among other words.
PART_S = (30.6, 40.2)
STATUS = "document.getElementById('status').textContent"
#: The contrast of every visible text with what lies behind it, as WCAG 2 defines it: [[text, ratio], ...]
CONTRASTS = """
(() => {
  const channel = (v) => ((v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = parse(getComputedStyle(e).backgroundColor);
      if ((color[3] ?? 1) === 1) return color;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode()); ) {
    const element = node.parentElement;
    if (!node.textContent.trim() || !element.checkVisibility() || element.closest('script,.skip,select')) continue;
    const [a, b] = [luminance(parse(getComputedStyle(element).color)), luminance(behind(element))];
    found.push([node.textContent.trim(), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]);
  }
  return found;
})()
"""


def detections(browser: Any) -> list[tuple[str, float]]:
    """(word, time in seconds) of each row of the list, as it is to be read."""
    rows = browser.run(
        "[...document.querySelectorAll('#list li > *')].map((row) => [...row.children].map((c) => c.textContent))"
    )
    return [(word, float(time.removesuffix(" s"))) for word, time, _ in rows]


def colors(browser: Any, canvas: str) -> int:
    """How many different colors are on a canvas: one when nothing is painted."""
    return browser.run(
        f"(() => {{ const c = document.getElementById('{canvas}');"
        "const d = new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer);"
        "return new Set(d).size; })()"
    )


def tab_to(browser: Any, name: str) -> None:
    """Go to an element with the keyboard alone."""
    for _ in range(20):
        browser.press("Tab", 9)
        if browser.run("document.activeElement.id") == name:
            return
    raise AssertionError(f"{name} cannot be reached with the keyboard")


def test_the_page_shows_what_the_browsers_microphone_hears(
    browse: Callable[..., Any], serve_page: Callable[..., Any], tmp_path: Path
) -> None:
    samples, rate = soundfile.read(RECORDING)
    part = samples[round(PART_S[0] * rate) : round(PART_S[1] * rate)]
    soundfile.write(tmp_path / "part.wav", part, rate)
    expected = [found.end_s for found in Detector("happy").process(part)]
    assert len(expected) == 4  # otherwise this shows nothing
    server = serve_page("--model=happy")
    browser = browse(tmp_path / "part.wav")
    browser.screen(1180, 900)
    browser.open(server.url)
    tab_to(browser, "listen")
    browser.press("Enter", 13)
    browser.until("document.querySelectorAll('#list li').length >= 4")
    found = detections(browser)[::-1]  # the newest is at the top
    assert [word for word, _ in found] == ["happy"] * 4
    # When the page began to listen is not known; and a machine with too much to do loses a little of the sound.
    np.testing.assert_allclose(np.diff([time for _, time in found]), np.diff(expected), atol=0.7)
    assert re.fullmatch(r"Listening for “happy” on .+, at [\d.]+ kHz\.", browser.run(STATUS))
    assert browser.run("document.getElementById('count').textContent") == "4"
    assert browser.run("document.getElementById('announce').textContent").startswith("happy at ")
    assert min(colors(browser, name) for name in ("wave", "picture", "axis")) > 10
    assert browser.run("document.querySelector('.lane[data-hit] strong').textContent") == "happy"
    assert browser.problems == []  # nothing failed, and the policy had nothing to forbid
    assert all(url.startswith((server.url, "blob:", "data:")) for url in browser.requests)
    server.stop()
    browser.until("!document.getElementById('problem').hidden")
    assert "connection to the server is gone" in browser.run("document.getElementById('problem').textContent")
    assert browser.run("document.getElementById('listen-text').textContent") == "Listen"


def test_a_dropped_file_shows_where_the_words_are(
    browse: Callable[..., Any], serve_page: Callable[..., Any], make_model: Callable[..., Any], tmp_path: Path
) -> None:
    make_model("other", seed=4).save(tmp_path / "other.wakeword")
    chosen = ["happy", str(tmp_path / "other.wakeword")]
    browser = browse()
    browser.screen(1180, 900)
    browser.open(serve_page(*(f"--model={model}" for model in chosen)).url)

    def heard(*models: str, point: str | None = None) -> list[tuple[str, float]]:
        """What the list must show once the status says that all is heard."""
        found, _, _ = hear_file(Detector(models, point=point), RECORDING)
        some = f"happy.flac: {len(found)} detection"
        browser.until(f"{STATUS}.startsWith({json.dumps(some)})")
        return [(d.keyword, round(d.end_s, 1)) for d in found]

    browser.drop_file(RECORDING)
    both = heard(*chosen)
    assert {word for word, _ in both} == {"happy", "other"}
    assert [word for word, _ in detections(browser)] == [word for word, _ in both]
    np.testing.assert_allclose([t for _, t in detections(browser)], [t for _, t in both], atol=0.11)
    assert browser.run("document.querySelectorAll('#scores canvas').length") == 2
    browser.run("document.querySelector('[value=other]').click()")
    happy = heard("happy")
    assert len(happy) == 6
    np.testing.assert_allclose([t for _, t in detections(browser)], [t for _, t in happy], atol=0.11)
    browser.run("document.querySelector('[value=happy]').click()")  # the last one stays
    assert browser.run("document.querySelector('[value=happy]').checked") is True
    browser.run("document.querySelector('[value=other]').click()")
    assert heard(*chosen) == both
    browser.run("const s = document.getElementById('point'); s.value = 'fpr_5'; s.dispatchEvent(new Event('change'))")
    assert len(heard(*chosen, point="fpr_5")) > len(both)
    browser.run("document.querySelectorAll('#list button')[0].click()")
    browser.until("document.getElementById('player').currentTime > 0 && !document.getElementById('cursor').hidden")
    browser.choose_file(ROOT / "README.md")
    browser.until("!document.getElementById('problem').hidden")
    assert "README.md cannot be read as sound" in browser.run("document.getElementById('problem').textContent")
    assert browser.problems == []


def test_what_only_the_browser_can_read_is_heard_too(
    browse: Callable[..., Any], serve_page: Callable[..., Any]
) -> None:
    browser = browse()
    browser.open(serve_page("--model=happy").url)
    browser.run("""(async () => {
      const context = new AudioContext();
      await context.resume();
      const source = context.createBufferSource();
      source.buffer = await context.decodeAudioData(await (await fetch('happy.flac')).arrayBuffer());
      const target = context.createMediaStreamDestination();
      source.connect(target);
      const recorder = new MediaRecorder(target.stream, { mimeType: 'audio/webm' });
      const parts = [];
      recorder.ondataavailable = (event) => parts.push(event.data);
      const stopped = new Promise((resolve) => (recorder.onstop = resolve));
      recorder.start();
      source.start(0, 30.6, 2.6);
      await new Promise((resolve) => setTimeout(resolve, 2900));
      recorder.stop();
      await stopped;
      const data = new DataTransfer();
      data.items.add(new File(parts, 'part.webm'));
      dispatchEvent(new DragEvent('drop', { dataTransfer: data, cancelable: true }));
    })()""")
    browser.until(f"{STATUS}.startsWith('part.webm: 1 detection of “happy” in ')")
    assert [word for word, _ in detections(browser)] == ["happy"]


def test_the_page_can_be_read_on_a_phone_and_by_a_screen_reader(
    browse: Callable[..., Any], serve_page: Callable[..., Any]
) -> None:
    browser = browse()
    browser.screen(360, 740, calm=True)
    browser.open(serve_page().url)
    browser.run("document.getElementById('recording').click()")
    browser.until(f"/6 detections/.test({STATUS})")
    browser.run("document.querySelectorAll('#list button')[2].click()")
    browser.until("!document.getElementById('all').hidden")  # a word would be too narrow: it is shown larger
    assert browser.run("document.documentElement.scrollWidth") <= 360
    assert browser.run("document.getElementById('list').scrollWidth <= document.getElementById('list').clientWidth")
    light = browser.run(CONTRASTS)
    browser.screen(360, 740, dark=True, calm=True)
    dark = browser.run(CONTRASTS)
    assert len(light) == len(dark) > 20
    assert [pair for pair in (*light, *dark) if pair[1] < 4.5] == []  # what WCAG 2 asks for
    assert max(pair[1] for pair in light) != max(pair[1] for pair in dark)  # there were two looks
    nodes = browser.send("Accessibility.getFullAXTree")["nodes"]
    roles = ("button", "checkbox", "radio", "combobox", "meter", "image", "audio", "heading", "group")
    named = [(node["role"]["value"], node.get("name", {}).get("value")) for node in nodes if not node.get("ignored")]
    assert {role for role, _ in named} >= {"button", "checkbox", "radio", "combobox", "meter"}
    assert [pair for pair in named if pair[0] in roles and not pair[1]] == []
    small = "[...document.querySelectorAll('main button, label.button, label.pill, select')]"
    sizes = f"{small}.filter((e) => e.checkVisibility()).map((e) => e.getBoundingClientRect().height)"
    assert min(browser.run(sizes)) >= 24  # WCAG 2.2, target size
    browser.run("document.getElementById('listen').click()")
    browser.until("!document.getElementById('problem').hidden")  # an alert, which a screen reader reads at once
    assert "not allowed to use the microphone" in browser.run("document.getElementById('problem').textContent")


def test_the_page_is_in_the_wheel(serve_page: Callable[..., Any], tmp_path: Path) -> None:
    pytest.importorskip("setuptools", "77", reason="needs the extra [test]")
    ignored = shutil.ignore_patterns(".*", "build", "runs", "*.egg-info", "__pycache__", "tests", "benchmarks", "docs")
    shutil.copytree(ROOT, tmp_path / "source", ignore=ignored)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    subprocess.run([*command, str(tmp_path), str(tmp_path / "source")], check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
        assert any("wakeword/_kernel" in name for name in archive.namelist()) or not kernel.targets()
    (tmp_path / "elsewhere").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    served = serve_page(cwd=tmp_path / "elsewhere", env=environment)
    shutil.rmtree(tmp_path / "source")
    shutil.rmtree(tmp_path / "installed")  # it is all in memory, and came from nowhere else
    for path in sorted((ROOT / "demo" / "web").iterdir()):
        with urllib.request.urlopen(served.url + path.name, timeout=20) as answer:
            assert answer.read() == path.read_bytes()
    with urllib.request.urlopen(f"{served.url}happy.flac", timeout=20) as answer:
        assert answer.read() == RECORDING.read_bytes()
