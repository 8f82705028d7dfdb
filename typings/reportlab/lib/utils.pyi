from typing import IO

class ImageReader:
    def __init__(self, fileName: IO[bytes]) -> None: ...
