// A Playwright server with a Chromium of its own, in a process that a test can kill. Prints the server's address.
import { findChromium } from "@thaw/browser-runner/internals";
import { chromium } from "playwright-core";

const { path } = await findChromium();
const args = [
  ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-unsafe-swiftshader",
];
const server = await chromium.launchServer({ executablePath: path, headless: true, args, host: "127.0.0.1" });
process.stdout.write(`${server.wsEndpoint()}\n`);
