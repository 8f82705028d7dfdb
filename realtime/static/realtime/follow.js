// A live feed for as long as its page is seen: it wakes with network and tab, and ends with the page.

/** @param {import("./live-feed.js").LiveFeed} feed */
export function follow(feed) {
  feed.start();
  addEventListener("online", () => feed.wake());
  addEventListener("offline", () => feed.offline());
  addEventListener("pagehide", () => feed.stop());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  document.addEventListener("leaving", () => feed.stop());
  document.addEventListener("visibilitychange", () => document.hidden || feed.wake());
}
