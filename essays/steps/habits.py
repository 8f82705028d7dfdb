"""What pupils in Swedish schools typically write: regularised forms, run-together words, letter habits.

``WHOLE`` maps a misspelling to what is meant, which then is the first suggestion; it is marked even when a
dictionary holds it as some rare word (cant, wether, payed). ``PATTERNS`` are
(written, meant) pieces: a candidate that differs by one of them scores higher.
"""

from collections.abc import Iterator, Mapping

_ENGLISH_VERBS = """
    beated=beat becomed=became breaked=broke bringed=brought builded=built buyed=bought catched=caught
    choosed=chose comed=came costed=cost cutted=cut drinked=drank drived=drove eated=ate falled=fell
    feeled=felt fighted=fought finded=found flyed=flew forgetted=forgot getted=got gived=gave goed=went
    growed=grew heared=heard hided=hid hitted=hit hurted=hurt keeped=kept knowed=knew leaved=left
    letted=let losed=lost maked=made meaned=meant meeted=met payed=paid runned=ran
    readed=read sayed=said selled=sold sended=sent shooted=shot singed=sang sitted=sat sleeped=slept
    speaked=spoke spended=spent spoked=spoke standed=stood stealed=stole swimmed=swam taked=took
    teached=taught telled=told thinked=thought throwed=threw understanded=understood
    weared=wore winned=won writed=wrote
"""
_ENGLISH_WORDS = """
    childrens=children's childs=children sheeps=sheep womans=women womens=women
    alot=a_lot aswell=as_well atleast=at_least eachother=each_other everytime=every_time
    incase=in_case infact=in_fact infront=in_front noone=no_one thankyou=thank_you
    cant=can't hes=he's im=I'm ive=I've shes=she's thats=that's theres=there's theyre=they're
    wasnt=wasn't whats=what's wheres=where's wont=won't youre=you're
    foto=photo thru=through therefor=therefore wen=when wether=whether tings=things
    ofter=often wery=very wath=what whath=what thier=their theire=their becouse=because
"""
_SWEDISH_WORDS = """
    oxå=också okså=också åxå=också iallafal=i_alla_fall tillexempel=till_exempel tillslut=till_slut
    påväg=på_väg ibörjan=i_början närsom=när_som eftersomatt=eftersom nångång=någon_gång
    vener=vänner juren=djuren jur=djur jus=ljus
"""


def _table(*entries: str) -> dict[str, str]:
    pairs = (entry.split("=") for text in entries for entry in text.split())
    return {written: meant.replace("_", " ") for written, meant in pairs}


WHOLE: Mapping[str, Mapping[str, str]] = {
    "en": _table(_ENGLISH_VERBS, _ENGLISH_WORDS),
    "sv": _table(_SWEDISH_WORDS),
}

PATTERNS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "en": (
        ("ys", "ies"), ("yed", "ied"), ("yes", "ies"), ("yer", "ier"), ("w", "v"), ("v", "w"), ("k", "c"),
        ("k", "ch"), ("sk", "sc"), ("f", "ph"), ("s", "c"), ("c", "s"), ("z", "s"), ("gth", "ght"),
        ("ght", "gth"), ("ei", "ie"), ("ie", "ei"), ("full", "ful"), ("ly", "ally"), ("ou", "au"),
        ("ens", "ence"), ("el", "le"), ("th", "t"), ("t", "th"), ("ai", "a"), ("ant", "ent"), ("ent", "ant"),
        ("ance", "ence"), ("ence", "ance"), ("able", "ible"), ("ible", "able"), ("write", "wright"),
    ),
    "sv": (
        ("j", "hj"), ("j", "dj"), ("j", "lj"), ("j", "gj"), ("j", "g"), ("g", "j"), ("ks", "x"), ("cks", "x"),
        ("cks", "ks"), ("ck", "k"), ("k", "ck"), ("e", "ä"), ("ä", "e"), ("å", "o"), ("o", "å"), ("o", "ö"),
        ("a", "å"), ("a", "ä"), ("nd", "nn"), ("s", "c"), ("c", "s"), ("sj", "stj"), ("sj", "skj"),
        ("sh", "sk"), ("tj", "k"), ("kj", "k"), ("ch", "k"), ("k", "g"), ("g", "k"), ("rd", "r"), ("t", "d"),
        ("lit", "ligt"), ("it", "igt"), ("v", "g"),
    ),
}  # fmt: skip


def rewritings(word: str, code: str) -> Iterator[str]:
    """Every reading of the lower-case ``word`` with one written piece replaced by what it may stand for."""
    for written, meant in PATTERNS[code]:
        position = word.find(written)
        while position >= 0:
            yield word[:position] + meant + word[position + len(written) :]
            position = word.find(written, position + 1)
