// Builds the package and has it judged as a package: publint, and arethetypeswrong for Node's ESM and CommonJS and for
// bundlers. (Its fourth way, that of Node before 12, knows no "exports".)

import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
for (const [program, ...args] of [
  ["scripts/build.mjs"],
  ["node_modules/publint/src/cli.js", "run", "--strict", "--pack", "npm"],
  ["node_modules/@arethetypeswrong/cli/dist/index.js", "--pack", ".", "--profile", "node16"],
]) {
  const { status } = spawnSync(process.execPath, [join(root, program), ...args], { cwd: root, stdio: "inherit" });
  if (status !== 0) {
    process.exit(status ?? 1);
  }
}
