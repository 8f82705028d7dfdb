from daphne.server import Server

class CommandLineInterface:
    server_class: type[Server]
    def run(self, args: list[str]) -> None: ...
