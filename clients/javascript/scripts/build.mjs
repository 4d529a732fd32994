// Builds the package into dist/: ESM with its declarations (tsc), the same as CommonJS, and one file for browsers.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { dirname, join } from "node:path";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");
const inSource = (name) => join(root, "src", name);

rmSync(dist, { recursive: true, force: true });

// ESM: what the compiler makes of each module, readable, with its comments.
execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc")], { cwd: root, stdio: "inherit" });

// CommonJS: the same modules; its declarations are the same texts under a package.json that says how to read them.
const modules = readdirSync(join(root, "src"), { recursive: true }).filter((name) => name.endsWith(".ts"));
await build({
  entryPoints: modules.map(inSource),
  outdir: join(dist, "cjs"),
  outbase: join(root, "src"),
  format: "cjs",
  platform: "node",
  target: "node20",
  logLevel: "warning",
});
writeFileSync(join(dist, "cjs/package.json"), '{"type":"commonjs"}\n');
cpSync(join(dist, "esm"), join(dist, "cjs"), {
  recursive: true,
  filter: (path) => !path.endsWith(".js"),
});

// Browsers: one file, with the platform's side swapped.
mkdirSync(join(dist, "browser"));
const platform = {
  name: "platform",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/platform\.js$/ }, () => ({ path: inSource("platform.browser.ts") }));
  },
};
await build({
  entryPoints: [inSource("index.ts")],
  outfile: join(dist, "browser/themis.mjs"),
  bundle: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  plugins: [platform],
  banner: { js: "// themis-js for browsers, generated from the modules in ../esm." },
  logLevel: "warning",
});
writeFileSync(join(dist, "browser/themis.d.mts"), 'export * from "../esm/index.js";\n');
