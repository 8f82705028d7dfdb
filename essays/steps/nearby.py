"""Which listed words lie within two edits of a word: an index of sorted numbers, read from a file at once."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

from symspellpy.editdistance import DistanceAlgorithm, EditDistance

MAX_DISTANCE = 2
# Words within two edits share a piece: their first letters with at most two left out. Longer pieces make more
# of them and fewer words to compare.
PREFIX_LENGTH = 6
_LETTERS_OF_KEY = 32
_distance = EditDistance(DistanceAlgorithm.DAMERAU_OSA)


@dataclass(frozen=True)
class NearIndex:
    """``keys`` are the sorted hashes of all pieces, ``places`` the number of each one's word in ``words``."""

    words: Sequence[str]
    keys: "array[int]"
    places: "array[int]"
    letters: "array[int]"

    def near(self, word: str, limit: int) -> list[str]:
        """At most ``limit`` listed words within two edits, nearest first, then in the order of the list."""
        found = sorted(self._measured(word))
        return [self.words[number] for _, number in found[:limit]]

    def _measured(self, word: str) -> Iterator[tuple[int, int]]:
        mine = letters_of(word)
        for number in self._candidates(word):
            theirs = self.letters[number]
            if (mine & ~theirs).bit_count() > MAX_DISTANCE or (theirs & ~mine).bit_count() > MAX_DISTANCE:
                continue
            other = self.words[number]
            if abs(len(other) - len(word)) <= MAX_DISTANCE:
                distance = _distance.compare(word, other, MAX_DISTANCE)
                if distance >= 0:
                    yield distance, number

    def _candidates(self, word: str) -> set[int]:
        found: set[int] = set()
        for piece in pieces(word):
            key = key_of(piece)
            start = bisect_left(self.keys, key)
            found.update(self.places[start : bisect_right(self.keys, key, start)])
        return found


def build(words: Sequence[str]) -> NearIndex:
    """Index ``words``, commonest first; takes about a second for 70,000."""
    pairs = sorted(
        key_of(piece) << _LETTERS_OF_KEY | number
        for number, word in enumerate(words)
        for piece in pieces(word)
    )
    mask = (1 << _LETTERS_OF_KEY) - 1
    keys = array("I", (pair >> _LETTERS_OF_KEY for pair in pairs))
    places = array("I", (pair & mask for pair in pairs))
    return NearIndex(words, keys, places, array("I", map(letters_of, words)))


def letters_of(word: str) -> int:
    """The set of letters as bits, several letters to a bit: one edit changes at most one of them each way."""
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) & 31)
    return bits


def key_of(piece: str) -> int:
    """A 32-bit hash that is the same in every process; words are compared afterwards, so it may collide."""
    return crc32(piece.encode("utf-8", "surrogatepass"))


def pieces(word: str) -> set[str]:
    """The first letters of ``word`` with none, one and two of them left out."""
    head = word[:PREFIX_LENGTH]
    once = {head[:index] + head[index + 1 :] for index in range(len(head))}
    twice = {piece[:index] + piece[index + 1 :] for piece in once for index in range(len(piece))}
    return {head} | once | twice
