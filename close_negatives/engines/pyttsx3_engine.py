"""pyttsx3 (MPL-2.0): the system's voices. On Linux these are eSpeak's, on macOS and Windows natural ones.

On Linux it speaks through the eSpeak NG of espeakng-loader where that is installed, else through the system's. Its
voices there are those of the engine ``espeak`` without variants and carry the same names, so that whoever
deals voices out by name never hears one speaker as two.
"""

from __future__ import annotations

import platform
import sys
from ctypes.util import find_library
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from close_negatives.engines.base import Engine, EngineError, Request, Speech, Voice
from close_negatives.engines.espeak import ACCENTS, LICENCE, WORDS_PER_MINUTE, pitch_parameter
from close_negatives.engines.helper import Helper

_LINUX = sys.platform == "linux"


class Pyttsx3(Engine):
    """No chance is involved, so seeds change nothing. Off Linux a voice is named by the system's id for it, has no
    adjustable pitch, and every clip takes a process of its own."""

    name = "pyttsx3"
    install_hint = "pip install pyttsx3 espeakng-loader"
    packages = ("pyttsx3",)
    distributions = ("pyttsx3", "espeakng-loader")
    speaks_phonemes = False
    heeds = frozenset({"rate", "pitch"} if _LINUX else {"rate"})

    def __init__(self) -> None:
        self._helper = Helper(self.name, once=not _LINUX)
        self._system_voices: tuple[Voice, ...] = ()

    def available(self) -> bool:
        return super().available() and (not _LINUX or _espeak_found())

    def voices(self) -> list[Voice]:
        self.require()
        if _LINUX:
            return [Voice(self.name, name, name, f"MPL-2.0 AND {LICENCE}", natural=False) for name in ACCENTS]
        if not self._system_voices:
            listed = self._helper.ask({"list": True})[0]["voices"]
            self._system_voices = tuple(_system_voice(*voice) for voice in listed if _is_english(*voice))
        return list(self._system_voices)

    def fingerprint(self, voice: Voice) -> str:
        system = "" if _LINUX else f"; {platform.version()}"  # whose voices change with it
        return super().fingerprint(voice) + system

    def _speak(self, request: Request) -> Speech:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "clip.wav"
            question = {
                "text": request.text,
                "voice": ACCENTS[request.voice.name] if _LINUX else request.voice.name,
                "rate": round(WORDS_PER_MINUTE * request.rate),
                "pitch": pitch_parameter(request.pitch) if _LINUX else None,
                "path": str(path),
            }
            self._helper.ask(question)
            return _read(path, request)


def _read(path: Path, request: Request) -> Speech:
    import soundfile

    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError:
        raise EngineError(f"pyttsx3 wrote no sound for {request.shown} in voice '{request.voice.name}'") from None
    return samples.mean(axis=1, dtype=np.float32), rate


@lru_cache(maxsize=1)
def _espeak_found() -> bool:
    return find_spec("espeakng_loader") is not None or find_library("espeak-ng") is not None


def _is_english(identity: str, name: str, languages: list[str]) -> bool:
    said = " ".join(languages).lower()
    return "en" in said.replace("-", "_").replace(" ", "_").split("_") or "english" in f"{identity} {name}".lower()


def _system_voice(identity: str, name: str, languages: list[str]) -> Voice:
    language = languages[0].replace("_", "-") if languages else "en"
    return Voice("pyttsx3", identity, language, "LicenseRef-system-voice", natural=True)
