"""Faults on purpose, chosen by seed: what can die, hang, forget or block on one machine."""

import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg
from redis import RedisError

from tests.faults.history import History
from tests.faults.readers import Reader, SocketReader
from tests.faults.world import World, children, kill

TABLES = ("huleedu_outboxmessage", "huleedu_workitem", "files_fileupload", "batches_batch", "huleedu_feed")


@dataclass
class Nemesis:
    """Brings faults over one installation, one after the other, and measures the way back."""

    world: World
    history: History
    choose: random.Random
    readers: list[Reader]
    recoveries: dict[str, list[float]] = field(default_factory=dict)

    def faults(self) -> dict[str, Callable[[], bool]]:
        """Each fault by its name; True when there was something to break."""
        return {
            "kill web": lambda: kill(self.world.pid("web")),
            "kill relay": lambda: self.kill_one(self.world.relays()),
            "kill relay cluster": lambda: kill(self.world.pid("relay")),
            "kill standby": lambda: kill(self.world.pid("standby")),
            "kill both relays": self.kill_relays,
            "kill step worker": lambda: self.kill_one(self.world.role("worker")),
            "kill step pusher": lambda: self.kill_one(self.world.role("steps")),
            "kill any step process": lambda: self.kill_one(self.world.workers("steps")),
            "kill step guard": lambda: self.kill_one(children(self.world.pid("steps"))),
            "kill step cluster": lambda: kill(self.world.pid("steps")),
            "kill warm reader": lambda: self.kill_one(self.world.sandboxes()),
            "kill founder": lambda: self.kill_one(self.world.founders()),
            "kill reading child": self.kill_reading_child,
            "kill postgres": lambda: kill(self.world.pid("postgres")),
            "kill postgres backend": self.kill_backend,
            "stop postgres fast": lambda: kill(self.world.pid("postgres"), signal.SIGINT),
            "stop postgres immediately": lambda: kill(self.world.pid("postgres"), signal.SIGQUIT),
            "terminate backends": self.terminate_backends,
            "lock table": self.lock_table,
            "kill valkey": lambda: kill(self.world.pid("valkey")),
            "flush valkey": lambda: self.command("FLUSHALL"),
            "pause valkey": lambda: self.command("CLIENT", "PAUSE", "3000"),
            "freeze valkey": lambda: self.freeze([self.world.pid("valkey")]),
            "kill subscribers": lambda: self.command("CLIENT", "KILL", "TYPE", "pubsub"),
            "kill publishers": lambda: self.command("CLIENT", "KILL", "TYPE", "normal"),
            "freeze relay": lambda: self.freeze(self.world.relays()),
            "freeze web": lambda: self.freeze([self.world.pid("web")], longest=20),
            "freeze postgres": lambda: self.freeze([self.world.pid("postgres")]),
            "freeze step worker": lambda: self.freeze(self.world.role("worker")),
            "drop sockets": self.drop_sockets,
            "lose tokens": lambda: self.lose("DELETE FROM django_q_ormq"),
            "forget who is present": lambda: self.lose("DELETE FROM huleedu_relaypresence"),
            "storm of notifications": self.storm,
        }

    def strike(self) -> None:
        """One fault, or two at once, and then the measured way back to ready."""
        faults = self.faults()
        names = self.choose.sample(sorted(faults), k=self.choose.choice([1, 1, 1, 2]))
        began = time.monotonic()
        for name in names:
            self.history.note("fault", name=name, done=self.inflict(faults[name]))
        while not self.world.is_ready():
            if time.monotonic() - began > 60:
                self.history.note("not ready", faults=names)
                return
            time.sleep(0.05)
        self.recoveries.setdefault(" + ".join(names), []).append(time.monotonic() - began)

    def inflict(self, fault: Callable[[], bool]) -> bool:
        """Carry the fault out; what it needs may be broken already."""
        with suppress(psycopg.Error, RedisError, OSError):
            return fault()
        return False

    def kill_one(self, pids: list[int]) -> bool:
        """Kill one of the processes."""
        return bool(pids) and kill(self.choose.choice(pids))

    def kill_relays(self) -> bool:
        """Kill the relay that leads together with the one that stands by."""
        killed = [kill(self.world.pid(name)) for name in ("relay", "standby")]
        return any(killed)

    def kill_reading_child(self) -> bool:
        """Kill a child that reads a file; look for one for a while, because they are short."""
        warm = self.world.sandboxes()
        until = time.monotonic() + 2
        while time.monotonic() < until:
            if self.kill_one([child for parent in warm for child in children(parent)]):
                return True
        return False

    def kill_backend(self) -> bool:
        """Kill one session's process, which makes PostgreSQL drop all sessions."""
        rows = self.world.query(
            "SELECT pid FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        return self.kill_one(sorted(pid for (pid,) in rows))

    def terminate_backends(self) -> bool:
        """End some sessions, wherever their transactions are."""
        share = self.choose.choice([0.3, 1.0])
        ended = self.world.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND usename = current_user AND random() < %s",
            share,
        )
        return bool(ended)

    def lock_table(self) -> bool:
        """Hold a table for some seconds."""
        table = self.choose.choice(TABLES)
        with psycopg.connect(self.world.database_url, connect_timeout=3) as connection:
            connection.execute("SET lock_timeout = '3s'")
            connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
            time.sleep(self.choose.uniform(0.5, 4))
            connection.rollback()
        return True

    def command(self, *words: str) -> bool:
        """One command to Valkey."""
        self.world.tell_valkey(*words)
        return True

    def freeze(self, pids: list[int], longest: float = 6) -> bool:
        """Stop processes and let them go on later, as a long pause of the machine does."""
        stopped = [pid for pid in pids if kill(pid, signal.SIGSTOP)]
        time.sleep(self.choose.uniform(1, longest))
        for pid in stopped:
            kill(pid, signal.SIGCONT)
        return bool(stopped)

    def lose(self, statement: str) -> bool:
        """Delete rows on which nothing may depend for long."""
        with self.world.connect() as connection:
            connection.execute("SET lock_timeout = '3s'")
            connection.execute(statement.encode())
        return True

    def storm(self) -> bool:
        """Wake everybody with words that mean something, nothing, or too much."""
        words = [*map(str, range(-1, 17)), "", "x", "99999999999999999999", "³"]
        with self.world.connect() as connection:
            for channel in ("huleedu_outbox", "huleedu_work_steps"):
                for _ in range(500):
                    connection.execute("SELECT pg_notify(%s, %s)", [channel, self.choose.choice(words)])
        return True

    def drop_sockets(self) -> bool:
        """Cut some readers off."""
        followers = [reader for reader in self.readers if isinstance(reader, SocketReader)]
        for reader in followers:
            if self.choose.random() < 0.7:
                reader.drop()
        return bool(followers)
