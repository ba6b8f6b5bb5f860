"""The program of the child process (see helper.py): reads questions, one JSON line each, and answers each with a JSON
line and samples. Runs on Python's own modules alone, so that it starts fast and forks cheaply.

eSpeak NG's voice depends on everything that it has said before, and no call resets it. Unloading the library and
loading it again does, and costs about half of what a fork costs. Where the library will not unload, and for
libraries that are bound into Python modules, every clip is spoken in a fork of a process that has said nothing.
"""

from __future__ import annotations

import atexit
import ctypes
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from typing import Any, BinaryIO

Answer = tuple[dict[str, Any], bytes]

_SYNCHRONOUS, _DONT_EXIT = 2, 0x8000  # AUDIO_OUTPUT_SYNCHRONOUS; without the second, bad data ends the process
_UTF8, _PHONEMES = 1, 0x100
_RATE, _PITCH, _RANGE = 1, 3, 4
_LONGEST_PATH = 140  # eSpeak keeps its data's path in 160 bytes and appends names to it
_PICO_VOLUME = 0.5  # at its usual volume vowels are cut off at full scale
_CLIP_SECONDS = 15
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def short_path(path: str) -> str:
    """The path, or a link to it that eSpeak can hold."""
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        return path
    folder = tempfile.mkdtemp(prefix="espeak")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    link = os.path.join(folder, "data")
    os.symlink(path, link)
    return link


def unload(library: ctypes.CDLL) -> bool:
    """Whether the library is gone, with all that it remembers."""
    import _ctypes

    name, handle = library._name, library._handle
    if sys.platform == "win32":
        _ctypes.FreeLibrary(handle)
        return not ctypes.windll.kernel32.GetModuleHandleW(name)
    _ctypes.dlclose(handle)
    try:
        ctypes.CDLL(name, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
    except OSError:
        return True
    return False


class Espeak:
    """eSpeak NG through ctypes."""

    def __init__(self) -> None:
        import espeakng_loader

        self._library = espeakng_loader.get_library_path()
        self._data = short_path(espeakng_loader.get_data_path()).encode()
        self._unloads = unload(ctypes.CDLL(self._library))  # tried before it has said anything

    def __call__(self, question: dict[str, Any]) -> Answer:
        return self._speak(question) if self._unloads else forked(self._speak, question)

    def _speak(self, question: dict[str, Any]) -> Answer:
        library = ctypes.CDLL(self._library)
        try:
            return self._say(library, question)
        finally:
            library.espeak_Terminate()
            unload(library)

    def _say(self, library: ctypes.CDLL, question: dict[str, Any]) -> Answer:
        chunks: list[bytes] = []

        @_CALLBACK
        def keep(samples: Any, count: int, events: Any) -> int:
            if samples and count > 0:
                chunks.append(ctypes.string_at(samples, 2 * count))
            return 0

        rate = library.espeak_Initialize(_SYNCHRONOUS, 0, self._data, _DONT_EXIT)
        if rate <= 0:
            return {"error": "eSpeak NG cannot read its data"}, b""
        library.espeak_SetSynthCallback(keep)
        if library.espeak_SetVoiceByName(question["voice"].encode()):
            return {"error": f"eSpeak NG has no voice {question['voice']}"}, b""
        for parameter, key in ((_RATE, "wpm"), (_PITCH, "pitch"), (_RANGE, "range")):
            library.espeak_SetParameter(parameter, question[key], 0)
        library.espeak_ng_SetRandSeed(ctypes.c_long(question["seed"] % 2**31))
        text = question["text"].encode() + b"\0"
        library.espeak_Synth(text, ctypes.c_size_t(len(text)), 0, 1, 0, _UTF8 | _PHONEMES, None, None)
        library.espeak_Synchronize()
        return {"rate": rate}, b"".join(chunks)


class Pico:
    """SVOX Pico through py-nanotts."""

    def __init__(self) -> None:
        import py_nanotts

        self._speak = py_nanotts.NanoTTS().speak

    def __call__(self, question: dict[str, Any]) -> Answer:
        return forked(self._say, question)

    def _say(self, question: dict[str, Any]) -> Answer:
        pcm = self._speak(question["text"], question["voice"], question["speed"], question["pitch"], _PICO_VOLUME)
        return {"rate": 16_000}, pcm


class Pyttsx3:
    """pyttsx3, which writes files: question["path"] is where, and the answer has no samples."""

    def __init__(self) -> None:
        try:
            import espeakng_loader

            # pyttsx3 looks for an eSpeak of the system; a library of that name which is loaded already is found first.
            os.environ["ESPEAK_DATA_PATH"] = short_path(espeakng_loader.get_data_path())
            ctypes.CDLL(espeakng_loader.get_library_path(), mode=ctypes.RTLD_GLOBAL)
        except (ImportError, OSError):
            pass  # macOS and Windows speak without eSpeak; on Linux the system's own may be there
        import pyttsx3
        import pyttsx3.engine

        self._init = pyttsx3.init  # called after the fork: eSpeak's speaking thread would not survive it

    def __call__(self, question: dict[str, Any]) -> Answer:
        if "list" in question:
            voices = self._init().getProperty("voices")
            return {"voices": [[str(v.id), str(v.name), [str(x) for x in v.languages or []]] for v in voices]}, b""
        if sys.platform != "linux":
            # Frameworks of macOS break in a fork, and Windows has none: there the child itself is used only once.
            return self._save(question)
        return forked(self._save, question)

    def _save(self, question: dict[str, Any]) -> Answer:
        engine = self._init()
        wanted = {name: question[name] for name in ("voice", "rate", "pitch") if question[name] is not None}
        for name, value in wanted.items():
            engine.setProperty(name, value)
        if sys.platform == "linux":
            from pyttsx3.drivers._espeak import dll

            if hasattr(dll, "espeak_ng_SetRandSeed"):  # from eSpeak NG 1.52 on
                dll.espeak_ng_SetRandSeed(ctypes.c_long(1))
            # eSpeak takes its settings in a thread of its own, and the end of pyttsx3's run cancels what that thread
            # has not taken yet: hand them over now and wait.
            engine.proxy.setBusy(False)
            dll.espeak_Synchronize()
        engine.save_to_file(question["text"], question["path"])  # one file a run: of several only the last is written
        engine.runAndWait()
        for name, value in wanted.items():  # what is not known is ignored
            kept = engine.getProperty(name)
            if sys.platform == "linux" and name != "voice":  # there pyttsx3 tells the default instead of the value
                kept = dll.espeak_GetParameter(_RATE if name == "rate" else _PITCH, 1)
            if str(kept).lower() != str(value).lower():
                return {"error": f"{name} {value} was not accepted and is still {kept}"}, b""
        return {}, b""


SPEAKERS: dict[str, Callable[[], Callable[[dict[str, Any]], Answer]]] = {
    "espeak": Espeak,
    "pico": Pico,
    "pyttsx3": Pyttsx3,
}


def forked(speak: Callable[[dict[str, Any]], Answer], question: dict[str, Any]) -> Answer:
    """The answer, spoken in a fork of this process; spoken here where there are no forks."""
    if not hasattr(os, "fork"):
        return speak(question)
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(source)
        signal.alarm(_CLIP_SECONDS)
        with os.fdopen(sink, "wb") as out:
            send(out, attempt(speak, question))
        os._exit(0)
    os.close(sink)
    with os.fdopen(source, "rb") as answer:
        line, payload = answer.readline(), answer.read()
    os.waitpid(child, 0)
    return (json.loads(line), payload) if line else ({"error": "its library crashed or hung"}, b"")


def attempt(speak: Callable[[dict[str, Any]], Answer], question: dict[str, Any]) -> Answer:
    """The answer, or the error as one."""
    try:
        return speak(question)
    except Exception as error:  # whatever a foreign package raises is an answer for the parent
        return {"error": f"{type(error).__name__}: {error}"}, b""


def send(out: BinaryIO, answer: Answer) -> None:
    """Write an answer: its header with the number of bytes, a line feed, the bytes."""
    header, payload = answer
    out.write(json.dumps({**header, "bytes": len(payload)}).encode() + b"\n" + payload)
    out.flush()


def main() -> None:
    """Answer questions until there are none."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # libraries print
    try:
        speaker: Callable[[dict[str, Any]], Answer] = SPEAKERS[sys.argv[1]]()
    except Exception as error:
        message = f"{type(error).__name__}: {error}"

        def speaker(question: dict[str, Any]) -> Answer:
            return {"error": message}, b""

    for line in sys.stdin.buffer:
        send(out, attempt(speaker, json.loads(line)))


if __name__ == "__main__":
    main()
