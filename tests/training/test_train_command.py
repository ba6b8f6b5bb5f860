"""``wakeword train`` end to end on a small data set, as a user runs it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from close_negatives.engines.kokoro import Kokoro
from training.gathering import Run
from training.pipeline import train
from training.recipes import recipe_for
from training.speech_commands import read_folder
from wakeword import load_model
from wakeword.cli import main

ROOT = Path(__file__).resolve().parents[2]


def train_args(melodies: Path, out: Path, *more: str) -> list[str]:
    folders = ["--data", melodies / "words", "--speech", melodies / "speech", "--noise", melodies / "noise"]
    return ["train", "rise", "--no-synthesize", *map(str, folders), "--out", str(out), *more]


def run(args: list[str]) -> int:
    with pytest.raises(SystemExit) as stop:
        main(args)
    return int(stop.value.code or 0)


def test_train_then_detect(melodies: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "rise.wakeword"
    assert run(train_args(melodies, out, "--units", "16", "--epochs", "6", "--seed", "1")) == 0
    said = capsys.readouterr().out
    assert "train: 48 clips of 'rise', 144 of other words" in said
    assert "epoch 6/6" in said
    assert "test split, streamed at the default point" in said
    model = load_model(out)
    assert model.card["seed"] == 1
    assert model.card["recipe"]["objective"] == "drocc-lf"
    assert model.card["data"]["words"]["train"]["keyword_clips"] == 48
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "rise.report.html", "rise.report.json", "rise.wakeword",
    ]  # fmt: skip
    report = json.loads((tmp_path / "rise.report.json").read_text())
    assert len(report["history"]) == 6
    assert report["evaluation"] == model.card["evaluation"]
    page = (tmp_path / "rise.report.html").read_text()
    assert page.count("<svg") == 3
    assert "False alarms over" in page


def test_every_second_network_has_the_second_objective(melodies: Path, tmp_path: Path) -> None:
    recipe = recipe_for("rise", "deploy", melodies / "words", synthesize=False).changed(
        units=16, base="", epochs=2, classify_first=0, networks=3, second_objective="bce"
    )
    out = tmp_path / "rise.wakeword"
    trained = train(Run("rise", melodies / "words", recipe, out), lambda text: None, lambda epoch: None)
    assert len(trained.networks) == 3
    report = json.loads((tmp_path / "rise.report.json").read_text())
    adversarial = [[epoch["adversarial"] > 0 for epoch in report["history"] if epoch["network"] == n] for n in range(3)]
    assert adversarial == [[True, True], [False, False], [True, True]]
    assert "drocc-lf and bce, recipe deploy" in (tmp_path / "rise.report.html").read_text()


def test_a_second_objective_takes_a_second_network(
    melodies: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(train_args(melodies, tmp_path / "rise.wakeword", "--second-objective", "bce")) == 2
    assert "give --networks 2 or more with it" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_process_that_is_killed_goes_on_to_the_same_bytes(melodies: Path, tmp_path: Path) -> None:
    """A real SIGKILL between epochs, in one process; another ends with the file of an unbroken run."""
    more = ("--units", "8", "--epochs", "4", "--objective", "drocc-lf")
    whole, broken = tmp_path / "whole.wakeword", tmp_path / "broken.wakeword"
    command = [sys.executable, "-m", "wakeword"]
    subprocess.run([*command, *train_args(melodies, whole, *more)], cwd=ROOT, check=True, capture_output=True)
    with subprocess.Popen(
        [*command, *train_args(melodies, broken, *more)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("epoch 2/"):
                process.kill()
                break
    assert not broken.exists()
    again = subprocess.run([*command, *train_args(melodies, broken, *more)], cwd=ROOT, check=True, capture_output=True)
    assert b"epoch 1/" not in again.stdout
    assert broken.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (["--data", "nowhere"], "nowhere"),
        (["--noise", "nowhere"], "there is no such folder of recordings"),
    ],
)
def test_bad_input_is_one_sentence(
    melodies: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: list[str], sentence: str
) -> None:
    assert run([*train_args(melodies, tmp_path / "x.wakeword"), *change]) == 2
    note, said = capsys.readouterr().err.splitlines()
    assert note.startswith("note: 'rise' is a difficult wake word: it is short")
    assert sentence in said
    assert not (tmp_path / "x.wakeword").exists()


def test_evaluate_prints_the_cards_figures(melodies: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "rise.wakeword"
    assert run(train_args(melodies, out, "--units", "8", "--epochs", "1")) == 0
    capsys.readouterr()
    folders = ["--data", str(melodies / "words"), "--speech", str(melodies / "speech")]
    assert run(["evaluate", str(out), *folders]) == 0
    quieter = json.loads(capsys.readouterr().out)["streaming"]["negative_audio"]
    assert run(["evaluate", str(out), *folders, "--noise", str(melodies / "noise")]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert quieter["hours"] < figures["streaming"]["negative_audio"]["hours"]
    assert quieter["noise_recordings"] == 0 < figures["streaming"]["negative_audio"]["noise_recordings"]
    expected = load_model(out).card["evaluation"]
    assert figures["clips"] == expected["clips"]
    assert figures["streaming"]["points"]["alarms"] == expected["streaming"]["points"]["alarms"]


def test_a_keyword_is_found_in_whatever_case_its_folder_has(
    melodies: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else its recordings would train as other words, and it would be learnt not to be heard."""
    folder = shutil.copytree(melodies / "words", tmp_path / "words")
    (folder / "rise").rename(folder / "RISE")
    args = train_args(melodies, tmp_path / "rise.wakeword", "--units", "8", "--epochs", "1")
    args[1] = " Rise "
    args[args.index("--data") + 1] = str(folder)
    assert run(args) == 0
    assert "train: 48 clips of 'rise', 144 of other words" in capsys.readouterr().out
    assert recipe_for("Rise", "deploy", folder) == recipe_for("rise", "deploy", melodies / "words")
    assert recipe_for("Rise", "deploy", folder) != recipe_for("rise", "deploy", None)


def test_a_test_split_without_the_keyword_is_told_before_training(
    melodies: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(melodies / "words", tmp_path / "words")
    for clip in [clip for clip in read_folder(folder) if (clip.split, clip.word) == ("test", "rise")]:
        clip.path.unlink()
    args = train_args(melodies, tmp_path / "rise.wakeword", "--units", "8", "--epochs", "1")
    args[args.index("--data") + 1] = str(folder)
    assert run(args) == 2
    out, err = capsys.readouterr()
    assert "the test split needs clips of 'rise' and of other words, but has 0 and" in err
    assert "epoch" not in out
    good = tmp_path / "good.wakeword"
    assert run(train_args(melodies, good, "--units", "8", "--epochs", "1")) == 0
    capsys.readouterr()
    assert run(["evaluate", str(good), "--data", str(folder)]) == 2
    assert "the test split needs clips of 'rise'" in capsys.readouterr().err


def test_a_model_with_a_longer_window_can_be_evaluated(
    melodies: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "rise.wakeword"
    assert run(train_args(melodies, out, "--units", "8", "--epochs", "1")) == 0
    capsys.readouterr()
    model = load_model(out)
    replace(model, spec=replace(model.spec, window_frames=118)).save(out)
    assert run(["evaluate", str(out), "--data", str(melodies / "words")]) == 0
    assert json.loads(capsys.readouterr().out)["clips"]["fpr_3"]["recall"]["n"] > 0


def test_a_phrase_that_nobody_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From nothing but two words to a model with a long enough window, at a small size; then one's own clips join."""
    monkeypatch.setenv("WAKEWORD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(Kokoro, "packages", ("not_installed",))  # the slow engine speaks in tests of its own
    out = tmp_path / "phrase.wakeword"
    small = ["--share", "0.03", "--units", "16", "--epochs", "2", "--networks", "1", "--out", str(out)]
    assert run(["train", "hey wonderful computer", *small]) == 0
    said = capsys.readouterr().out
    assert "train: 36 clips of 'hey wonderful computer'" in said
    model = load_model(out)
    assert model.spec.window_frames > 98
    assert model.pronunciation is None
    assert model.card["recipe"]["spoken"]["keyword"] == 36
    assert model.card["data"]["words"]["train"]["spoken_keyword_clips"] == 36
    assert model.card["evaluation"]["close_negatives"]
    own = tmp_path / "own"
    own.mkdir()
    for take in range(3):
        noise = np.random.default_rng(take).normal(0, 0.1, 24_000 + 9000 * take)
        soundfile.write(own / f"{take}.wav", noise * np.hanning(len(noise)), 16_000)
    english = model.card["data"]["sentence_seconds"]["train"]
    monkeypatch.setattr("training.pronouncing._FLOOR", 99.0)  # a network so small takes much for the keyword
    more = ["--recordings", str(own), "--languages", "es, DE", "--look-again"]
    assert run(["train", "hey wonderful computer", *small, *more]) == 0
    assert "train: 39 clips of 'hey wonderful computer'" in capsys.readouterr().out
    model = load_model(out)
    assert model.pronunciation is not None
    assert model.pronunciation.ways[0][:4] == ("HH", "EY", "W", "AH")
    card = model.card
    assert card["recipe"]["spoken"]["languages"] == ["es", "de"]
    assert card["data"]["sentence_seconds"]["train"] > english


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--languages", "klingonese"], "klingonese"),
        (["--languages", "es", "--no-synthesize"], "says nothing with --no-synthesize"),
        (["--share", "0.5", "--no-synthesize"], "--share is of what is synthesized"),
        (["--share", "0.5", "--recipe", "paper"], "--share is of what is synthesized"),
        (["--languages", "es", "--recipe", "paper"], "has no synthesized speech"),
    ],
)
def test_languages_that_cannot_be_spoken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], sentence: str
) -> None:
    assert run(["train", "hey computer", "--out", str(tmp_path / "x.wakeword"), *more]) == 2
    assert sentence in capsys.readouterr().err.splitlines()[-1]


def test_labelled_false_alarms_train_as_other_words(
    melodies: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "negative"
    wrong.mkdir()
    for take in range(5):
        clip = np.random.default_rng(take).normal(0, 0.1, 20_000)
        soundfile.write(wrong / f"{take}.flac", clip, 16_000)
    more = ("--units", "8", "--epochs", "1", "--negatives", str(wrong))
    assert run(train_args(melodies, tmp_path / "rise.wakeword", *more)) == 0
    assert "train: 48 clips of 'rise', 149 of other words" in capsys.readouterr().out


def test_a_run_without_synthesis_needs_no_cache(
    melodies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("where a folder should be")
    monkeypatch.setenv("WAKEWORD_CACHE", str(tmp_path / "file"))
    assert run(train_args(melodies, tmp_path / "rise.wakeword", "--units", "8", "--epochs", "1")) == 0


def test_own_recordings_must_be_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = ["--no-synthesize", "--recordings", str(tmp_path / "nothing")]
    assert run(["train", "hello", *more]) == 2
    assert "no such folder of recordings" in capsys.readouterr().err
