"""Which texts are almost the same: by a sample of their phrases, small enough to be kept. Pure.

A phrase is three words in a row. Of all phrases of a text those with the 64 smallest digests are kept. Up to
the smaller of two samples' last digests both know every phrase, and what they share there tells which share
of all phrases the texts have in common (after Broder, "On the resemblance and containment of documents",
1997; the standard error is about 1/16).
"""

import re
import struct
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from hashlib import blake2b

WORDS = 3
KEPT = 64
FEWEST = 100  # phrases: short answers to one question resemble each other by themselves
# In common from here on is almost the same: docs/adr/0055-almost-the-same-text.md.
ALMOST = 0.7
_DIGEST_BYTES = 4
_WORD = re.compile(r"\w+")


def sample_phrases(text: str) -> bytes:
    """The digests that are kept of the phrases of ``text``, in order; empty when it has too few."""
    words = _WORD.findall(text.casefold())
    phrases = {" ".join(words[place : place + WORDS]) for place in range(len(words) - WORDS + 1)}
    if len(phrases) < FEWEST:
        return b""
    digests = {blake2b(phrase.encode(), digest_size=_DIGEST_BYTES).digest() for phrase in phrases}
    return b"".join(sorted(digests)[:KEPT])


def alike(samples: Sequence[bytes], least: float = ALMOST) -> list[list[int]]:
    """The places of those samples that hang together by ``least`` or more in common, from 0 to 1.

    Empty samples hang with none. Who hangs with whom does not depend on the order of the samples.
    """
    digests = [struct.unpack(f">{len(sample) // _DIGEST_BYTES}I", sample) for sample in samples]
    having: defaultdict[int, list[int]] = defaultdict(list)
    group = list(range(len(samples)))  # place → a smaller place of the same group, or itself
    for place, of_text in enumerate(digests):
        shared: Counter[int] = Counter()
        for digest in of_text:
            shared.update(having[digest])
            having[digest].append(place)
        for other, number in shared.items():
            one, two = first_of(group, place), first_of(group, other)
            if one != two and in_common(of_text, digests[other], number) >= least:
                group[max(one, two)] = min(one, two)
    together: defaultdict[int, list[int]] = defaultdict(list)
    for place in range(len(samples)):
        together[first_of(group, place)].append(place)
    return [places for places in together.values() if len(places) > 1]


def first_of(group: Sequence[int], place: int) -> int:
    """The smallest place of the group that ``place`` is in."""
    while group[place] != place:
        place = group[place]
    return place


def in_common(one: Sequence[int], other: Sequence[int], shared: int) -> float:
    """The share of phrases that two texts have in common, of which the samples share so many: 0 to 1.

    2·J / (1 + J), where J is what both have among what either has.
    """
    last = min(one[-1], other[-1])
    either = bisect_right(one, last) + bisect_right(other, last) - shared
    return 2 * shared / (either + shared)
