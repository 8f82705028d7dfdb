// The apps' static folders laid together as the server shows them, so that modules find each other.
import { cpSync, existsSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const project = fileURLToPath(new URL("../../../", import.meta.url));
const together = mkdtempSync(join(tmpdir(), "static-"));
writeFileSync(join(together, "package.json"), '{"type": "module"}');
for (const app of readdirSync(project)) {
  const folder = join(project, app, "static");
  if (app !== ".venv" && existsSync(folder)) cpSync(folder, together, { recursive: true });
}

/** @param {string} path Such as "files/upload-queue.js". */
export const load = (path) => import(pathToFileURL(join(together, path)).href);
