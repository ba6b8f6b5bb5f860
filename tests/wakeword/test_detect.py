"""``wakeword detect`` as a user runs it: text, JSON lines, saved scores, exit codes, errors in one sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wakeword import Detector


@pytest.fixture
def sound(tmp_path: Path, voice: np.ndarray) -> Path:
    soundfile.write(tmp_path / "voice.wav", voice, 16_000, subtype="FLOAT")
    return tmp_path / "voice.wav"


@pytest.fixture
def model(make_model, tmp_path: Path) -> Path:
    make_model().save(tmp_path / "word.wakeword")
    return tmp_path / "word.wakeword"


def reachable(model: Path, voice: np.ndarray) -> float:
    """A threshold that some windows of the voice reach."""
    return float(np.sort(Detector(model).step(voice).scores[:, 0])[-5])


def test_json_lines_and_scores(run, sound: Path, model: Path, voice: np.ndarray, tmp_path: Path) -> None:
    threshold = reachable(model, voice)
    out_file = tmp_path / "scores.npz"
    code, out, _ = run("detect", sound, "--model", model, "--threshold", threshold, "--json", "--scores", out_file)
    assert code == 0
    records = [json.loads(line) for line in out.splitlines()]
    assert records
    for record in records:
        assert list(record) == ["file", "keyword", "start_s", "end_s", "score", "threshold"]
        assert (record["file"], record["keyword"]) == (str(sound), "word")
        assert 0.0 <= record["start_s"] < record["end_s"] <= 6.0
        assert record["score"] >= record["threshold"] == pytest.approx(threshold, abs=1e-3)
    with np.load(out_file, allow_pickle=False) as file:
        kept = dict(file)
    assert kept["files"].tolist() == [str(sound)]
    assert kept["keywords"].tolist() == ["word"]
    padded = np.concatenate([np.zeros(8000), voice, np.zeros(8000)]).astype(np.float32)
    np.testing.assert_allclose(kept["scores_0"], Detector(model).step(padded).scores, atol=1e-4)
    assert kept["end_s_0"][0] == pytest.approx(0.495)


def test_nothing_found_is_1(run, sound: Path, model: Path) -> None:
    assert run("detect", sound, "--model", model, "--threshold", 1e6) == (1, "", "")


def test_a_bad_file_among_good_ones(run, sound: Path, model: Path, voice: np.ndarray, tmp_path: Path) -> None:
    code, out, err = run("detect", tmp_path / "no.wav", sound, "--model", model, "--threshold", reachable(model, voice))
    assert code == 2
    assert out.startswith(f"{sound}: ")
    assert err == f"wakeword: {tmp_path / 'no.wav'}: there is no such file\n"


def test_what_a_file_held_before_it_broke_off_is_not_lost(run, model: Path, voice: np.ndarray, tmp_path: Path) -> None:
    whole, broken, scores = tmp_path / "whole.flac", tmp_path / "broken.flac", tmp_path / "scores.npz"
    soundfile.write(whole, np.tile(voice, 5), 16_000)
    content = whole.read_bytes()
    broken.write_bytes(content[: len(content) // 2])
    options = ("--model", model, "--threshold", reachable(model, voice), "--json")
    expected = run("detect", whole, *options)[1].splitlines()
    code, out, err = run("detect", broken, *options, "--scores", scores)
    assert code == 2
    assert err.startswith(f"wakeword: {broken} cannot be read as sound")
    told = [json.loads(line)["end_s"] for line in out.splitlines()]
    assert 0 < len(told) < len(expected)
    assert told == [json.loads(line)["end_s"] for line in expected[: len(told)]]
    with np.load(scores, allow_pickle=False) as kept:
        assert kept["files"].tolist() == [str(broken)]
        assert kept["end_s_0"][-1] >= told[-1]


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["--model", "nosuch"], "there is no such model file, nor a bundled model"),
        (["--point", "fpr_1"], "has no operating point 'fpr_1'"),
        (["--point", "fpr_3", "--threshold", "1"], "exclude each other"),
        (["--threshold", "nan"], "a finite number, not nan"),
        (["--model", "{model}", "--model", "{model}"], "2 models hear the same keyword, 'word'"),
        (["--scores", "{model}/scores.npz"], "cannot be written"),
    ],
)
def test_bad_options_are_one_sentence(run, sound: Path, model: Path, args: list[str], sentence: str) -> None:
    args = [arg.format(model=model) for arg in args]
    if "--model" not in args:
        args = ["--model", str(model), *args]
    code, _, err = run("detect", sound, *args)
    assert code == 2
    assert sentence in err
    assert "Traceback" not in err


def test_a_short_clip_is_heard_whole(run, model: Path, voice: np.ndarray, tmp_path: Path) -> None:
    """A file of a third of a second has windows too, because silence is heard around it."""
    soundfile.write(tmp_path / "short.wav", voice[:5000], 16_000)
    code, out, _ = run("detect", tmp_path / "short.wav", "--model", model, "--threshold", -1e6, "--json")
    assert code == 0
    record = json.loads(out.splitlines()[0])
    assert record["start_s"] == 0.0
    assert record["end_s"] <= 0.3125 + 1e-3


def test_names_cannot_break_the_output(run, make_model, sound: Path, tmp_path: Path) -> None:
    """A keyword comes from a stranger's file, and a file's name need not be text that the output can encode."""
    make_model("be\x1b[2Jll").save(tmp_path / "odd.wakeword")
    odd = sound.rename(tmp_path / "e\udcff\u00e9.wav")
    code, out, _ = run("detect", odd, "--model", tmp_path / "odd.wakeword", "--threshold", -9)
    assert code == 0
    assert "be?[2Jll" in out
    assert "e\\udcff\u00e9.wav" in out
    line = run("detect", odd, "--model", tmp_path / "odd.wakeword", "--threshold", -9, "--json")[1].splitlines()[0]
    assert json.loads(line)["file"] == str(odd)
    assert "\x1b" not in run("info", tmp_path / "odd.wakeword")[1]


def test_models_and_info(run, model: Path) -> None:
    code, out, _ = run("info", model)
    assert code == 0
    assert "word: LSTMs, 1 x 16 units" in out
    assert json.loads(run("info", model, "--json")[1])["operating_points"]["fpr_3"] == {"threshold": 1.0}
    assert run("models")[0] == 0
    assert run("info", "nosuch")[0] == 2


def test_a_closed_pipe_is_not_an_error(sound: Path, model: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "wakeword",
        "detect",
        *[str(sound)] * 30,
        "--model",
        str(model),
        "--threshold",
        "-9",
        "--json",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 0


def test_a_closed_standard_output_is_not_an_error(sound: Path, model: Path) -> None:
    listening = f"{sys.executable} -m wakeword detect {sound} --model {model} --threshold 1000 >&-"
    ended = subprocess.run(["bash", "-c", listening], capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (1, b"")


def test_hearing_keeps_numpy_to_one_thread(sound: Path, model: Path) -> None:
    """A second one would double the work of a live stream and save no time."""
    script = (
        "import sys; from threadpoolctl import threadpool_info; from wakeword.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: print([pool['num_threads'] for pool in threadpool_info() if pool['user_api'] == 'blas'])"
    )
    command = [sys.executable, "-c", script, "detect", str(sound), "--model", str(model), "--threshold", "1e6"]
    said = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "2"}
    )
    counts = json.loads(said.stdout)
    assert counts
    assert set(counts) == {1}
