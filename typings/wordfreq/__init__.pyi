from collections.abc import Iterator
from functools import _lru_cache_wrapper

get_frequency_list: _lru_cache_wrapper[list[list[str]]]

def iter_wordlist(lang: str, wordlist: str = "best") -> Iterator[str]: ...
