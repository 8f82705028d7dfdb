class StandardEncryption:
    def __init__(
        self, userPassword: str, ownerPassword: str | None = None, strength: int | None = None
    ) -> None: ...
