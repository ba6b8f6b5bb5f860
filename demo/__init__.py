"""The demonstration: a recording of words of people the model never heard, replayed through the detector."""

from pathlib import Path

#: What is said in the recording, among other words.
KEYWORD = "happy"
RECORDINGS = Path(__file__).parent / "recordings"
#: The files of the page that ``wakeword demo --web`` serves.
WEB = Path(__file__).parent / "web"
