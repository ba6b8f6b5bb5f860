"""What can go wrong, as a tree.

WakewordError            every error that is the input's, the file's or the machine's, not a bug
├── AudioError           a sound file or array that cannot be read or used
├── ModelFileError       a model file that is damaged, foreign, or from a newer version
├── MicrophoneError      no microphone, or one that cannot be opened
├── DataError            a training data set that is missing, empty or malformed
├── DownloadError        a download that failed or did not match its checksum
├── TrainingError        a training run that cannot start, go on or resume
├── SynthesisError       speech that cannot be made, kept or checked
├── ServerError          a service that cannot start
└── PhraseError          a phrase that cannot be spoken or turned into phonemes

Each message is one sentence that says what is wrong, where, and how to mend it; the command line prints it
as it is and exits with 2.
"""

from __future__ import annotations


class WakewordError(Exception):
    """Base of every error whose message is written for the user."""


class AudioError(WakewordError):
    """A sound file or array cannot be read or used."""


class ModelFileError(WakewordError):
    """A model file is damaged, truncated, foreign, or written by a newer version."""


class MicrophoneError(WakewordError):
    """No microphone can be opened, or its driver library is missing."""


class DataError(WakewordError):
    """A training data set is missing, empty or malformed."""


class DownloadError(WakewordError):
    """A download failed, or what arrived does not match its checksum."""


class TrainingError(WakewordError):
    """A training run cannot start, go on or resume."""


class SynthesisError(WakewordError):
    """Speech cannot be made, kept or checked."""


class ServerError(WakewordError):
    """A service cannot start: nothing to serve, or no place to serve it at."""


class PhraseError(WakewordError):
    """A phrase cannot be spoken or turned into phonemes."""
