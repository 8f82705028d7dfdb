from functools import _lru_cache_wrapper

get_frequency_list: _lru_cache_wrapper[list[list[str]]]
