// Writes the API reference as HTML: npm run docs -- FOLDER. A public symbol without documentation is an error.

import { spawnSync } from "node:child_process";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error("usage: npm run docs -- FOLDER");
  process.exit(2);
}
const args = [join(root, "node_modules/typedoc/bin/typedoc"), "--out", resolve(folder)];
process.exit(spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" }).status ?? 1);
