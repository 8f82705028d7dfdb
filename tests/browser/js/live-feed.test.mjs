import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { load } from "./static.mjs";

const { LiveFeed } = await load("realtime/live-feed.js");
const { backoff } = await load("realtime/reconnecting-socket.js");

class FakeSocket {
  static all = [];
  constructor(url) {
    this.url = url;
    FakeSocket.all.push(this);
  }
  say(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }
  close(code = 1000) {
    this.onclose?.({ code });
  }
  static get last() {
    return FakeSocket.all[FakeSocket.all.length - 1];
  }
}

const event = (seq) => ({ type: "event", event: "x", seq, data: {} });
const settle = async () => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

function makeFeed(answers = {}) {
  const seen = [];
  const states = [];
  const snapshots = [];
  const asked = [];
  const feed = new LiveFeed({
    batchId: "b", seq: 0, epoch: "e", origin: "http://host", WebSocketClass: FakeSocket, isOnline: () => true,
    fetch: async (url) => {
      asked.push(url);
      const key = Object.keys(answers).find((part) => url.includes(part));
      const answer = key ? answers[key] : null;
      const body = typeof answer === "function" ? answer(url) : answer;
      return { ok: !!body && !body.status, status: body ? body.status || 200 : 500, json: async () => body };
    },
    onEvent: (message) => seen.push(message.seq),
    onSnapshot: (snapshot) => snapshots.push(snapshot.seq),
    onState: (state) => states.push(state),
  });
  feed.start();
  return { feed, seen, states, snapshots, asked };
}

beforeEach(() => {
  FakeSocket.all = [];
  mock.timers.enable({ apis: ["setTimeout"] });
});
afterEach(() => mock.timers.reset());

const hello = (more = {}) => ({ type: "hello", epoch: "e", seq: 0, heartbeat: 20, ...more });

test("connects with its position and applies events once and in order", async () => {
  const { seen, states } = makeFeed();
  assert.equal(FakeSocket.last.url, "ws://host/ws/batches/b/?after=0&epoch=e");
  FakeSocket.last.say(hello());
  for (const seq of [1, 2, 2, 1, 3]) FakeSocket.last.say(event(seq));
  await settle();
  assert.deepEqual(seen, [1, 2, 3]);
  assert.deepEqual(states, ["connecting", "live"]);
});

test("a gap is fetched before the event behind it is applied", async () => {
  const { seen } = makeFeed({ "/events?after=1": { epoch: "e", seq: 4, resync: false, events: [event(2), event(3), event(4)] } });
  FakeSocket.last.say(hello());
  FakeSocket.last.say(event(1));
  FakeSocket.last.say(event(5));
  FakeSocket.last.say(event(6));
  await settle();
  assert.deepEqual(seen, [1, 2, 3, 4, 5, 6]);
});

test("resync reads the snapshot and goes on from there", async () => {
  const { feed, seen, snapshots } = makeFeed({ "/v1/batches/b": { seq: 40, epoch: "e2" } });
  FakeSocket.last.say(hello({ epoch: "e2", seq: 40 }));
  FakeSocket.last.say({ type: "resync" });
  FakeSocket.last.say(event(40));
  FakeSocket.last.say(event(41));
  await settle();
  assert.deepEqual(snapshots, [40]);
  assert.deepEqual(seen, [41]);
  assert.deepEqual([feed.seq, feed.epoch], [41, "e2"]);
});

test("a snapshot older than what is shown is left alone", () => {
  const { feed, snapshots } = makeFeed();
  feed.seq = 9;
  feed.adopt({ seq: 8, epoch: "e" });
  assert.deepEqual(snapshots, []);
});

test("after two failures it polls, and stops polling when the socket is back", async () => {
  const { seen, states, asked } = makeFeed({ "/events?after=0": { epoch: "e", seq: 1, resync: false, events: [event(1)] }, "/events?after=1": { epoch: "e", seq: 1, resync: false, events: [] } });
  FakeSocket.last.close(1006);
  mock.timers.tick(500);
  assert.equal(FakeSocket.all.length, 2);
  FakeSocket.last.close(1006);
  mock.timers.tick(1);
  await settle();
  assert.deepEqual(seen, [1]);
  assert.equal(states.at(-1), "polling");
  mock.timers.tick(1000);
  FakeSocket.last.say(hello({ seq: 1 }));
  const before = asked.length;
  mock.timers.tick(30000);
  await settle();
  assert.equal(states.at(-1), "live");
  assert.equal(asked.length, before);
});

test("final close codes stop it for good", () => {
  for (const [code, state] of [[4401, "signed-out"], [4403, "gone"], [4404, "gone"]]) {
    FakeSocket.all = [];
    const { states } = makeFeed();
    FakeSocket.last.close(code);
    mock.timers.tick(60000);
    assert.equal(states.at(-1), state);
    assert.equal(FakeSocket.all.length, 1);
  }
});

test("silence for 2.25 heartbeats makes a new connection", () => {
  const { states } = makeFeed();
  FakeSocket.last.say(hello({ heartbeat: 10 }));
  mock.timers.tick(22000);
  assert.equal(FakeSocket.all.length, 1);
  FakeSocket.last.say({ type: "ping" });
  mock.timers.tick(22000);
  assert.equal(FakeSocket.all.length, 1);
  mock.timers.tick(600);
  assert.equal(states.at(-1), "reconnecting");
  mock.timers.tick(500);
  assert.equal(FakeSocket.all.length, 2);
});

test("a network that is back is told by a new connection, however open the old one looks", () => {
  const { feed, states } = makeFeed();
  FakeSocket.last.say(hello());
  feed.offline();
  assert.equal(states.at(-1), "offline");
  feed.wake();
  assert.equal(states.at(-1), "reconnecting");
  mock.timers.tick(500);
  FakeSocket.last.say(hello());
  assert.deepEqual([FakeSocket.all.length, states.at(-1)], [2, "live"]);
});

test("waits grow from 250 ms to 30 s with half jitter", () => {
  assert.equal(backoff(1, () => 0), 250);
  assert.equal(backoff(1, () => 1), 500);
  assert.equal(backoff(3, () => 0), 1000);
  assert.equal(backoff(50, () => 1), 30000);
});
