// The browser build in a headless Chromium, from a page of one origin to a server of another.

import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSilentServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { freePort, noServer, startNode } from "./node_process.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const noBrowser = existsSync(executablePath) ? noServer : `no ${executablePath}`;
const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const PAGES = {
  "/": ["text/html", path("browser.html")],
  "/browser_page.mjs": ["text/javascript", path("browser_page.mjs")],
  "/themis.mjs": ["text/javascript", path("../dist/browser/themis.mjs")],
};

async function listen(t, server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return `http://127.0.0.1:${server.address().port}`;
}

test("the browser build works in Chromium", { skip: noBrowser, timeout: 120_000 }, async (t) => {
  const pages = createServer((request, response) => {
    const [type, file] = PAGES[new URL(request.url, "http://x").pathname] ?? [];
    response.writeHead(file === undefined ? 404 : 200, { "Content-Type": type ?? "text/plain" });
    response.end(file === undefined ? "" : readFileSync(file));
  });
  const origin = await listen(t, pages);
  t.after(() => pages.closeAllConnections());
  const sockets = new Set();
  const silent = await listen(
    t,
    createSilentServer((socket) => sockets.add(socket)),
  );
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  // Its own, also where THEMIS_ENDPOINT names one: this one allows the page's origin.
  const node = await startNode({ corsOrigins: [origin], isOwn: true });
  t.after(() => node.stop());

  const profile = mkdtempSync(join(tmpdir(), "themis-js-chromium-"));
  const args = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ];
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath,
    args,
    viewport: { width: 900, height: 560 },
  });
  t.after(async () => {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  });
  const page = await browser.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  const dead = `http://127.0.0.1:${await freePort()}`;
  await page.goto(`${origin}/?${new URLSearchParams({ endpoint: node.endpoint, silent, dead })}`);
  await page
    .waitForFunction(() => window.finished !== undefined, undefined, { timeout: 60_000 })
    .catch((error) => {
      assert.fail(`${error.message}\n${problems.join("\n")}`);
    });
  if (process.env.THEMIS_SCREENSHOT !== undefined) {
    await page.screenshot({ path: process.env.THEMIS_SCREENSHOT, fullPage: true });
  }
  const results = await page.evaluate(() => window.finished);
  for (const { name, failure } of results) {
    await t.test(name, () => assert.equal(failure, null, failure ?? ""));
  }
  assert.deepEqual(problems, []);
  assert.ok(results.length >= 10);
});
