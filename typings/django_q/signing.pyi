from django.core.signing import BadSignature as BadSignature

class SignedPackage:
    @staticmethod
    def dumps(obj: object, compressed: bool = ...) -> str: ...
    @staticmethod
    def loads(obj: str) -> object: ...
