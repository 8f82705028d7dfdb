"""How much work one text may cost: counted, not timed, so the same text gives the same report everywhere."""


class Budget:
    """Work that is left, in units of about a microsecond of a usual processor."""

    def __init__(self, units: int) -> None:
        self.whole = units
        self.spent = 0

    def affords(self, units: int, share: float = 1.0) -> bool:
        """Whether ``units`` more stay within ``share`` of the whole."""
        return self.spent + units <= share * self.whole

    def spend(self, units: int) -> None:
        """Count work."""
        self.spent += units
