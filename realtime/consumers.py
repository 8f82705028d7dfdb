"""Sockets: numbered messages of one batch, and hints for a teacher's overview. No business logic."""

import asyncio
import json
import time
from collections import Counter, deque
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import User
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest
from redis import RedisError

from huleedu.accounts.authentication import find_token
from huleedu.accounts.factors import lacks_factor
from huleedu.events import feed
from huleedu.events.feed import FeedPosition, Missed
from huleedu.models import Feed
from huleedu.outside.metrics import observe_sent
from realtime.push import batch_group, teacher_group

HEARTBEAT_SECONDS = 20
LOOKS = 2  # at the log for each heartbeat: a lost notification costs ten seconds
RECHECK_SECONDS = 40  # looked at between two heartbeats, so that 60 seconds are never passed
MESSAGES_ALLOWED = 20  # per MESSAGES_WINDOW_SECONDS from one client
MESSAGES_WINDOW_SECONDS = 10
SEND_SECONDS = 10.0
HINT_SECONDS = 0.25
MALFORMED, SIGNED_OUT, NOT_YOURS, NO_SUCH_BATCH, TOO_MANY, TOO_SLOW = 4400, 4401, 4403, 4404, 4429, 4408
HARMLESS = frozenset({"type", "cursor"})
open_sockets: Counter[int] = Counter()  # by user, in this process
log = structlog.get_logger(__name__)


@database_sync_to_async
def current_user(scope: Mapping[str, Any]) -> User | None:
    """The signed-in, active user of a socket as of now; sessions and tokens can end meanwhile."""
    user = signed_in(scope)
    return None if user is None or lacks_factor(user) else user


def signed_in(scope: Mapping[str, Any]) -> User | None:
    """Whose token or session it is; None when it has ended."""
    if "token" in scope:
        token = find_token(scope["token"])
        return token.owner if token else None
    session = scope["session"]
    if session.session_key is None or not session.exists(session.session_key):
        return None
    request = HttpRequest()
    request.session = session.__class__(session.session_key)
    user = get_user(request)
    return user if isinstance(user, User) and user.is_active else None


def objection_to(text: str) -> int | None:
    """The close code for a client's message; None for a ping or pong."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return MALFORMED
    if not isinstance(message, dict):
        return MALFORMED
    harmless = message.keys() <= HARMLESS and message.get("type") in (None, "ping", "pong")
    return None if harmless else NOT_YOURS


class NoSuchAddress(AsyncWebsocketConsumer):
    """Every other address."""

    async def connect(self) -> None:
        """Say that there is nothing here."""
        await self.accept()
        await self.close(NO_SUCH_BATCH)


class FollowingConsumer(AsyncWebsocketConsumer):
    """Accepts first and closes with a code of its own, so that clients can tell why; limits what comes in."""

    user: User | None = None
    beating: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve the socket; however it ends, the heartbeat stops and another socket has room."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            if self.beating is not None:
                self.beating.cancel()
            if self.user is not None:
                open_sockets[self.user.pk] -= 1

    async def connect(self) -> None:
        """Accept, check who it is, and start following."""
        self.recent: deque[float] = deque(maxlen=MESSAGES_ALLOWED)
        await self.accept()
        user = await current_user(self.scope)
        if user is None:
            await self.close(SIGNED_OUT)
        elif open_sockets[user.pk] >= settings.MAX_SOCKETS_PER_USER:
            await self.close(TOO_MANY)
        else:
            open_sockets[user.pk] += 1
            self.user = user
            await self.follow(user)

    async def follow(self, user: User) -> None:
        """Join groups and send what the client missed."""
        raise NotImplementedError

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Clients have nothing to say: pings are ignored, wishes, nonsense and floods close the socket."""
        now = time.monotonic()
        flood = len(self.recent) == MESSAGES_ALLOWED and now - self.recent[0] < MESSAGES_WINDOW_SECONDS
        self.recent.append(now)
        objection = TOO_MANY if flood else objection_to(text_data or "")
        if objection is not None:
            await self.close(objection)

    async def send_json(self, message: dict[str, Any]) -> None:
        """Send one message."""
        await self.send_text(json.dumps(message, ensure_ascii=False, default=str))

    async def send_text(self, text: str) -> None:
        """Send ``text``; a reader who does not take it in time is closed."""
        try:
            await asyncio.wait_for(self.send(text_data=text), SEND_SECONDS)
        except TimeoutError:
            await self.close(TOO_SLOW)

    def start_heartbeat(self) -> None:
        """Ping from now on, and look again who is signed in."""
        self.beating = asyncio.create_task(self.beat())

    async def beat(self) -> None:
        """Ping every ``HEARTBEAT_SECONDS``; close when the session has ended."""
        checked = time.monotonic()
        for looks in count(1):
            await asyncio.sleep(HEARTBEAT_SECONDS / LOOKS)
            # A connection to Valkey that was made anew is subscribed to nothing.
            with suppress(RedisError, OSError):
                await self.join()
            with suppress(DatabaseError, InterfaceError):
                if time.monotonic() - checked >= RECHECK_SECONDS:
                    checked = time.monotonic()
                    if await current_user(self.scope) is None:
                        await self.close(SIGNED_OUT)
                        return
                    if not await self.is_still_mine():
                        await self.close(NO_SUCH_BATCH)
                        return
                await self.catch_up()
            if looks % LOOKS == 0:
                await self.send_json({"type": "ping"})

    async def is_still_mine(self) -> bool:
        """False when what is followed belongs to somebody else by now."""
        return True

    async def catch_up(self) -> None:
        """Send what a lost notification left behind."""

    async def join(self) -> None:
        """Hear of what happens; nothing is asked of Valkey while the group is heard of."""
        raise NotImplementedError


class BatchConsumer(FollowingConsumer):
    """One batch's messages: hello, what was missed, then each as it is committed, without gap or repeat."""

    async def follow(self, user: User) -> None:
        """Join first, read the log second, and drop by number what came both ways."""
        # Heartbeat and messages read on at the same time otherwise, and send the same number twice.
        self.turn = asyncio.Lock()
        self.batch_id: UUID = self.scope["url_route"]["kwargs"]["batch_id"]
        place = await read_position(self.batch_id)
        if place is None or place.owner_id != user.pk:
            await self.close(NO_SUCH_BATCH)
            return
        await self.join()
        after, epoch = self.asked()
        await self.greet(place if after is None else FeedPosition(place.epoch, after, user.pk), epoch)
        self.start_heartbeat()

    async def is_still_mine(self) -> bool:
        """False when the batch was handed over."""
        place = await read_position(self.batch_id)
        return place is not None and self.user is not None and place.owner_id == self.user.pk

    async def join(self) -> None:
        """Hear of the batch's messages."""
        await self.channel_layer.group_add(batch_group(self.batch_id), self.channel_name)

    def asked(self) -> tuple[int | None, UUID | None]:
        """The client's position: (after, epoch); a nonsensical one asks for a resync."""
        query = parse_qs(self.scope["query_string"].decode("latin-1"))
        try:
            after = int(query["after"][0]) if "after" in query else None
            epoch = UUID(query["epoch"][0]) if "epoch" in query else None
        except ValueError:
            return -1, None
        return after, epoch

    async def greet(self, start: FeedPosition, epoch: UUID | None) -> None:
        """Say hello and send what came after the client's position, or advise a resync."""
        found = await read_missed(self.batch_id, start.seq, epoch or start.epoch)
        await self.send_json(
            {"type": "hello", "epoch": found.epoch, "seq": found.seq, "heartbeat": HEARTBEAT_SECONDS}
        )
        self.epoch, self.seq = found.epoch, start.seq
        await self.send_missed(found)

    async def send_missed(self, found: Missed) -> None:
        """Send missed messages in order; after a resync the client goes on from a snapshot."""
        if found.resync:
            await self.send_json({"type": "resync"})
        for message in found.events:
            await self.send_json(message)
        self.epoch, self.seq = found.epoch, found.seq

    async def feed_event(self, message: dict[str, Any]) -> None:
        """A committed message: send it if it is the next one, fetch the gap if not."""
        async with self.turn:
            if message["seq"] == self.seq + 1:
                self.seq += 1
                await self.send_text(message["text"])
                observe_sent(message["timestamp"])
                if message.get("last"):
                    await self.leave_if_deleted()
            elif message["seq"] > self.seq:
                await self.read_on()

    async def catch_up(self) -> None:
        """Send what the log holds after the last number sent; a lost word that the batch is gone counts."""
        async with self.turn:
            await self.read_on()
            await self.leave_if_deleted()

    async def leave_if_deleted(self) -> None:
        """Close when the batch lies in the bin, or is gone."""
        if await read_position(self.batch_id) is None:
            await self.close(NO_SUCH_BATCH)

    async def read_on(self) -> None:
        """Read the log from the last number sent; the caller has the turn."""
        await self.send_missed(await read_missed(self.batch_id, self.seq, self.epoch))

    async def disconnect(self, code: int) -> None:
        """Leave the batch's group."""
        if hasattr(self, "batch_id"):
            await self.channel_layer.group_discard(batch_group(self.batch_id), self.channel_name)


class TeacherConsumer(FollowingConsumer):
    """Hints that one of the teacher's batches changed, at most four a second for each."""

    async def follow(self, user: User) -> None:
        """Join the teacher's group."""
        self.waiting: dict[str, dict[str, Any]] = {}
        self.sent_at: dict[str, float] = {}
        self.group = teacher_group(user.pk)
        await self.join()
        await self.send_json({"type": "hello", "heartbeat": HEARTBEAT_SECONDS})
        self.start_heartbeat()

    async def join(self) -> None:
        """Hear of the teacher's batches."""
        await self.channel_layer.group_add(self.group, self.channel_name)

    async def feed_changed(self, message: dict[str, Any]) -> None:
        """Pass the hint on now, or with the next allowed one."""
        hint = message["hint"]
        batch_id = hint["batch_id"]
        if batch_id in self.waiting:
            self.waiting[batch_id] = hint
            return
        wait = self.sent_at.get(batch_id, 0.0) + HINT_SECONDS - time.monotonic()
        self.waiting[batch_id] = hint
        if wait > 0:
            asyncio.get_running_loop().call_later(wait, lambda: asyncio.ensure_future(self.flush(batch_id)))
        else:
            await self.flush(batch_id)

    async def flush(self, batch_id: str) -> None:
        """Send the newest hint of one batch."""
        hint = self.waiting.pop(batch_id, None)
        if hint is not None:
            self.sent_at[batch_id] = time.monotonic()
            await self.send_json(hint)

    async def disconnect(self, code: int) -> None:
        """Leave the teacher's group."""
        if hasattr(self, "group"):
            await self.channel_layer.group_discard(self.group, self.channel_name)


@database_sync_to_async
def read_position(batch_id: UUID) -> FeedPosition | None:
    """The batch's feed position, or None."""
    return feed.position(batch_id)


@database_sync_to_async
def read_missed(batch_id: UUID, after: int, epoch: UUID) -> Missed:
    """Messages after a position; an unknown batch asks for a resync."""
    try:
        return feed.missed(batch_id, after, epoch)
    except Feed.DoesNotExist:
        return Missed(epoch, after, True, [])
