from files.steps.formats.txt import FORMAT, read


def test_engine_tells_the_encoding() -> None:
    assert read("på".encode("cp850")).engine.endswith("(cp850)")


def test_it_is_all_text_that_is_nothing_else() -> None:
    assert (FORMAT.name, FORMAT.endings) == ("txt", ())
