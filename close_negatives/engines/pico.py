"""SVOX Pico from the package py-nanotts: one American and one British woman, small and natural enough (Apache-2.0)."""

from __future__ import annotations

import numpy as np

from close_negatives.engines.base import Engine, Request, Speech, Voice
from close_negatives.engines.helper import Helper
from close_negatives.engines.symbols import PICO_GB, PICO_US, write

_VOICES = tuple(Voice("pico", name, name, "Apache-2.0", natural=True) for name in ("en-US", "en-GB"))


class Pico(Engine):
    """Voices ``en-US`` and ``en-GB``; no chance is involved, so seeds change nothing."""

    name = "pico"
    install_hint = "pip install py-nanotts"
    packages = ("py_nanotts",)
    distributions = ("py-nanotts",)
    heeds = frozenset({"rate", "pitch"})

    def __init__(self) -> None:
        self._helper = Helper(self.name)

    def voices(self) -> list[Voice]:
        self.require()
        return list(_VOICES)

    def _speak(self, request: Request) -> Speech:
        text = request.text
        if request.phonemes:
            alphabet = PICO_US if request.voice.name == "en-US" else PICO_GB
            text = f"<phoneme ph='{write(request.phonemes, alphabet)}'/>"
        question = {"text": text, "voice": request.voice.name, "speed": request.rate, "pitch": request.pitch}
        header, payload = self._helper.ask(question)
        return np.frombuffer(payload, np.int16).astype(np.float32) / np.float32(32768), header["rate"]
