"""Mining of close negatives: the paper's words that are found, and the time a phrase takes.

    python benchmarks/mining.py [--json]

Table 9 of the DROCC paper names 18 close negatives that are in the dictionary; a word counts as found when it is in
the list with a pronunciation of the dictionary. The spelling rules are measured on words whose pronunciation is
known, drawn by a fixed seed. The time is that of a whole phrase after loading, and the vectorised distance is set
against the textbook's loop over single words in the same run. The exit status is 1 if a bar fails: at least 13 of
18 found in lists of at most 160 words, less than a second a phrase, a distance that is the loop's and at least 20
times as fast, and spelling rules within 0.12 edits per phoneme.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from close_negatives.articulation import cost_tables, encode
from close_negatives.distance import Codes, distances, pack
from close_negatives.letters import sound_out
from close_negatives.paper import paper_lists
from close_negatives.phonemes import dictionary, pronounce
from close_negatives.words import mine

PHRASES = ("marvin", "forward", "seven", "follow", "alexa", "computer", "hey computer")
LEAST_FOUND, MOST_WORDS, MOST_SECONDS, LEAST_RATIO, MOST_RULE_EDITS = 13, 160, 1.0, 20.0, 0.12
SAMPLE, SEED = 1500, 0


def loop_distance(target: Codes, word: Codes) -> float:
    """The textbook's dynamic program for one pair."""
    substitution, gap = (table.tolist() for table in cost_tables())
    row = [0.0]
    for b in word.tolist():
        row.append(row[-1] + gap[b])
    for a in target.tolist():
        above, row = row, [row[0] + gap[a]]
        for j, b in enumerate(word.tolist()):
            row.append(min(above[j] + substitution[a][b], above[j + 1] + gap[a], row[j] + gap[b]))
    return row[-1]


def found_words() -> dict[str, Any]:
    """Which of the paper's words are found and which are missed."""
    found, missed, sizes = [], [], {}
    for keyword, words in paper_lists().items():
        close = {word.text: word.phonemes for word in mine(keyword)}
        sizes[keyword] = len(close)
        for word in words:
            if word in dictionary():
                (found if close.get(word) in dictionary()[word] else missed).append(f"{keyword}: {word}")
    return {"found": found, "missed": missed, "list_sizes": sizes}


def phrase_times() -> dict[str, float]:
    """Seconds to mine each phrase, the median of 5, after loading."""
    times: dict[str, list[float]] = {phrase: [] for phrase in PHRASES}
    for _ in range(5):
        for phrase, taken in times.items():
            start = time.perf_counter()
            mine(phrase)
            taken.append(time.perf_counter() - start)
    return {phrase: statistics.median(taken) for phrase, taken in times.items()}


def against_the_loop() -> dict[str, float]:
    """Time per word of the loop over that of the vectorised distance, and the largest difference of their results."""
    everything = [encode(way) for ways in dictionary().values() for way in ways]
    packed, target = pack(everything), encode(pronounce("marvin"))
    sample = list(range(0, len(everything), len(everything) // SAMPLE))
    ratios, error = [], 0.0
    for _ in range(5):
        start = time.perf_counter()
        fast = distances(target, packed)
        middle = time.perf_counter()
        slow = [loop_distance(target, everything[i]) for i in sample]
        end = time.perf_counter()
        ratios.append((end - middle) / len(sample) / ((middle - start) / len(everything)))
        error = max(error, *(abs(float(fast[i]) - s) for i, s in zip(sample, slow, strict=True)))
    return {"words": len(everything), "ratio": statistics.median(ratios), "largest_difference": error}


def rule_edits() -> float:
    """Edits per phoneme between the spelling rules and the dictionary, over words of four letters and more."""
    words = sorted(word for word in dictionary() if len(word) > 3 and word.isalpha())
    edits = phonemes = 0.0
    for word in random.Random(SEED).sample(words, SAMPLE):
        ways = [encode(way) for way in dictionary()[word]]
        nearest = distances(encode(sound_out(word)), pack(ways))
        edits += float(nearest.min())
        phonemes += len(ways[int(nearest.argmin())])
    return edits / phonemes


def failed_bars(report: dict[str, Any]) -> list[str]:
    """One sentence per bar that is missed."""
    failures = []
    if len(report["found"]) < LEAST_FOUND:
        failures.append(f"{len(report['found'])} of the paper's words are found, not {LEAST_FOUND}")
    if max(report["list_sizes"].values()) > MOST_WORDS:
        failures.append(f"a list has more than {MOST_WORDS} words")
    if max(report["seconds"].values()) >= MOST_SECONDS:
        failures.append(f"a phrase takes {max(report['seconds'].values()):.2f} s")
    if report["distance"]["ratio"] < LEAST_RATIO or report["distance"]["largest_difference"] > 1e-4:
        failures.append(f"the vectorised distance is not the loop's, or not {LEAST_RATIO:g} times as fast")
    if report["rule_edits_per_phoneme"] > MOST_RULE_EDITS:
        failures.append(f"the spelling rules err by {report['rule_edits_per_phoneme']:.3f} edits per phoneme")
    return failures


def main() -> int:
    """Run, print and judge."""
    parser = argparse.ArgumentParser(description="The paper's close negatives that are found, and the time it takes.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")
    options = parser.parse_args()
    start = time.perf_counter()
    mine("hello")
    report: dict[str, Any] = {"loading_seconds": time.perf_counter() - start, **found_words()}
    report |= {"seconds": phrase_times(), "distance": against_the_loop(), "rule_edits_per_phoneme": rule_edits()}
    report["failed"] = failed_bars(report)
    if options.json:
        print(json.dumps(report, indent=1))
    else:
        print(f"found {len(report['found'])} of 18: {', '.join(report['found'])}")
        print(f"missed: {', '.join(report['missed'])}; words per list {report['list_sizes']}")
        print(f"loading {report['loading_seconds']:.2f} s; ms a phrase:", end=" ")
        print(", ".join(f"{phrase} {1e3 * seconds:.0f}" for phrase, seconds in report["seconds"].items()))
        print("distance: {words} pronunciations, {ratio:.0f} times the loop's speed".format(**report["distance"]))
        print(f"spelling rules: {report['rule_edits_per_phoneme']:.3f} edits per phoneme, {SAMPLE} words")
        print("\n".join(report["failed"]) or "every bar holds")
    return 1 if report["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
