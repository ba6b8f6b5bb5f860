"""ARPAbet in the alphabets of the engines: eSpeak's mnemonics, Kokoro's IPA, SVOX Pico's X-SAMPA.

Each alphabet exists twice, for American and for British voices, because the dictionary is American: British
voices lose an r that no vowel follows, and say the vowel of "hot" rounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from close_negatives.articulation import is_vowel
from close_negatives.phonemes import Phonemes, syllable_starts


@dataclass(frozen=True)
class Alphabet:
    """phonemes: symbol of each phoneme, by ARPAbet with its stress digit or, failing that, without.
    before_r: symbol of a vowel together with the r after it, where no vowel follows that r.
    silent_r: whether any other such r is dropped. linking_r: what follows ER before a vowel.
    flap: symbol of T between a vowel and an unstressed vowel, empty where it stays T.
    stress: marks of stress 1 and 2, at the syllable's start where by_syllable, else before the vowel.
    """

    phonemes: Mapping[str, str]
    before_r: Mapping[str, str] = field(default_factory=dict)
    silent_r: bool = False
    linking_r: str = ""
    flap: str = ""
    stress: tuple[str, str] = ("ˈ", "ˌ")
    by_syllable: bool = False
    separator: str = ""


def write(phonemes: Phonemes, alphabet: Alphabet) -> str:
    """One word or phrase without spaces in that alphabet."""
    starts = set(syllable_starts(phonemes)) if alphabet.by_syllable else set()
    marks = {i: alphabet.stress[int(p[-1]) - 1] for i, p in enumerate(phonemes) if p[-1] in "12"}
    if alphabet.by_syllable:
        marks = {max((s for s in starts if s <= i), default=0): mark for i, mark in marks.items()}
    symbols, skip = [], False
    for i in range(len(phonemes)):
        if skip:
            skip = False
            continue
        boundary = alphabet.by_syllable and i in starts and i > 0
        symbol, skip = _symbol(phonemes, i, alphabet)
        if symbol:
            symbols.append(("." if boundary else "") + marks.get(i, "") + symbol)
    return alphabet.separator.join(symbols)


def _symbol(phonemes: Phonemes, i: int, alphabet: Alphabet) -> tuple[str, bool]:
    """The symbol of phonemes[i], and whether it stands for phonemes[i + 1] as well."""
    phoneme, bare = phonemes[i], phonemes[i].rstrip("012")
    following = phonemes[i + 1] if i + 1 < len(phonemes) else ""
    symbol = alphabet.phonemes.get(phoneme) or alphabet.phonemes[bare]
    if following == "R" and bare in alphabet.before_r and not _vowel_at(phonemes, i + 2):
        return alphabet.before_r[bare], True
    if bare == "ER" and _vowel_at(phonemes, i + 1):
        return symbol + alphabet.separator * bool(alphabet.linking_r) + alphabet.linking_r, False
    if bare == "R" and alphabet.silent_r and i > 0 and not _vowel_at(phonemes, i + 1):
        return "", False
    if bare == "T" and alphabet.flap and i > 0 and following[-1:] == "0" and _vowel_at(phonemes, i - 1):
        return alphabet.flap, False
    return symbol, False


def _vowel_at(phonemes: Phonemes, i: int) -> bool:
    return 0 <= i < len(phonemes) and is_vowel(phonemes[i])


def _table(line: str) -> dict[str, str]:
    words = line.split()
    return dict(zip(words[::2], words[1::2], strict=True))


_ESPEAK = _table(
    "AA A: AE a AH V AH0 @ AO O: AW aU AY aI EH E ER 3: ER0 3 EY eI IH I IY i: IY0 i OW oU OY OI UH U UW u: "
    "B b CH tS D d DH D F f G g HH h JH dZ K k L l M m N n NG N P p R r S s SH S T t TH T V v W w Y j Z z ZH Z"
)
# eSpeak's vowels before r carry the r of the accent, so one table serves accents with and without it; the bar keeps
# t and S of "hotshot" from being read as tS.
_ESPEAK_R = _table("AA A@ AO O@ EH e@ IH i@3 IY i@3 UH U@ UW U@ AY aI@ AW aU@")
ESPEAK_US = Alphabet(_ESPEAK, _ESPEAK_R, linking_r="r", stress=("'", ","), separator="|")
ESPEAK_GB = Alphabet({**_ESPEAK, "AA": "0"}, _ESPEAK_R, linking_r="r", stress=("'", ","), separator="|")

_IPA = _table(
    "AA ɑ AE æ AH ʌ AH0 ə AO ɔ AW W AY I EH ɛ ER ɜɹ ER0 əɹ EY A IH ɪ IY i OW O OY Y UH ʊ UW u "
    "B b CH ʧ D d DH ð F f G ɡ HH h JH ʤ K k L l M m N n NG ŋ P p R ɹ S s SH ʃ T t TH θ V v W w Y j Z z ZH ʒ"
)
KOKORO_US = Alphabet(_IPA, flap="T")
KOKORO_GB = Alphabet(
    {**_IPA, **_table("AA ɒ AE a AO ɔː ER ɜː ER0 ə IY iː IY0 i OW Q UW uː")},
    _table("AA ɑː AO ɔː EH ɛː IH ɪə IY ɪə UH ʊə UW ʊə"),
    silent_r=True,
    linking_r="ɹ",
)

_PICO = {
    **_table(
        "AA A: AE { AH V AH0 @ AO O: AW a_U AY a_I EH E ER 3: ER0 @` EY e_I IH I IY i: OW @_U OY O_I UH U UW u: "
        "B b CH t_S D d DH D F f G g HH h JH d_Z K k L l M m N n NG N P p S s SH S T t TH T V v W w Y j Z z ZH Z"
    ),
    "R": r"r\\",  # two backslashes: the engine's own parser takes one away
}
_PICO_MARKS = ('"', "%")
PICO_US = Alphabet(_PICO, linking_r=r"r\\", stress=_PICO_MARKS, by_syllable=True)
PICO_GB = Alphabet(
    {**_PICO, **_table("AA Q ER0 @ IY0 I")},
    _table("AA A: AO O: EH e_@ IH I_@ IY I_@ UH U_@ UW U_@"),
    silent_r=True,
    linking_r=r"r\\",
    stress=_PICO_MARKS,
    by_syllable=True,
)
