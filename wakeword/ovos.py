"""The plugin of OpenVoiceOS: a wake word of its configuration, heard by the Detector.

    "hotwords": {"happy": {"module": "ovos-ww-plugin-wakeword", "listen": true}}

Found by ovos-plugin-manager through the entry point ``opm.wake_word``; nothing else imports this module, and without
OpenVoiceOS nothing needs it.
"""

from __future__ import annotations

from typing import Any

from ovos_plugin_manager.templates.hotwords import HotWordEngine

from wakeword.detector import Detector
from wakeword.errors import AudioError, WakewordError
from wakeword.model import bundled_models
from wakeword.server.pcm import PcmFormat, PcmStream


class WakewordPlugin(HotWordEngine):
    """One keyword in one stream of 16-bit mono.

    config: model (a bundled keyword or the path of a .wakeword file; the key phrase itself unless told), point or
    threshold (as for a Detector), sample_rate (16000). Raises ModelFileError when there is no such model, and
    WakewordError when a value of the configuration cannot be used.
    """

    _half: bytes
    _found: bool

    def __init__(self, key_phrase: str = "happy", config: dict[str, Any] | None = None) -> None:
        super().__init__(key_phrase, config)
        settings = self.config
        model = settings.get("model") or _bundled(self.key_phrase)
        try:
            threshold = settings.get("threshold")
            self._format = PcmFormat(settings.get("sample_rate", 16_000))
            self._detector = Detector(
                model, point=settings.get("point"), threshold=None if threshold is None else float(threshold)
            )
        except (AudioError, ValueError, TypeError) as error:
            raise WakewordError(f"the hotword {self.key_phrase!r} is configured wrongly: {error}") from error
        self.reset()

    def update(self, chunk: bytes) -> None:
        """Hear 16-bit little-endian samples of any number; half a sample waits for its other half."""
        data = self._half + bytes(chunk)
        whole = len(data) - len(data) % self._format.frame_bytes
        self._half = data[whole:]
        for block in self._stream.push(data[:whole]):
            self._found |= bool(self._detector.process(block))

    def found_wake_word(self) -> bool:
        """Whether the keyword was heard since this was last asked."""
        found, self._found = self._found, False
        return found

    def reset(self) -> None:
        """Forget everything heard."""
        self._stream = PcmStream(self._format)
        self._half = b""
        self._found = False
        self._detector.reset()

    def stop(self) -> None:
        """The end; there is no thread, process or file to close, and what was heard is forgotten."""
        self.reset()


def _bundled(phrase: str) -> str:
    """The bundled model that a key phrase of OpenVoiceOS means: it writes spaces as underscores."""
    plain = phrase.replace("_", " ")
    return next((name for name in bundled_models() if name.casefold().replace("_", " ") == plain), phrase)
