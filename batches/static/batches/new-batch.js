// A new batch of what was dropped or chosen; what shows then is the batch's page.
import { openInPlace } from "../files/open-in-place.js";
import { call } from "../huleedu/js/api.js";
import { toast } from "../huleedu/js/shell.js";
import { language, limit, say, timeZone } from "../huleedu/js/words.js";

/** @typedef {import("../files/dropped-files.js").Found} Found */

/** @param {Found} found @param {Found[]} [later] Filled while the batch is being made. @throws {import("../huleedu/js/api.js").Problem} */
export async function makeBatch(found, later = []) {
  const n = Math.min(limit("Files"), limit("Essays"), found.files.length);
  toast(say("makingBatch", { n }), { seconds: 3 });
  const batch = await call("POST", "/v1/batches/register", { expected_essay_count: n, title: titleOf(found) });
  await openInPlace(`/batches/${batch.batch_id}/`, found, later);
}

/** @param {Found} found */
function titleOf({ folder }) {
  const date = new Intl.DateTimeFormat(language(), { day: "numeric", month: "long", hour: "2-digit", minute: "2-digit", timeZone: timeZone() });
  return (folder || say("newBatchTitle", { date: date.format(new Date()) })).slice(0, 200);
}
