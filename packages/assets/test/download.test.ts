import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { downloadBytes } from "../src/download.ts";

const folder = mkdtempSync(join(tmpdir(), "thaw-"));
const CERTIFICATE = join(folder, "certificate.pem");
const BODY = "what was asked for";
const SHA256 = createHash("sha256").update(BODY).digest("hex");
/** Not a loopback name to who only reads it; the child resolves it to this machine. */
const HOST = "mirror.test";

let https: Server;
let http: ReturnType<typeof createHttpServer>;
let httpsPort: number;
let httpPort: number;
const asked: { path: string; authorization: string | undefined; secure: boolean }[] = [];

function listener(secure: boolean): RequestListener {
  return ({ url = "", headers }, response) => {
    asked.push({ path: url, authorization: headers.authorization, secure });
    const to = (location: string): void => void response.writeHead(302, { location }).end();
    if (url.startsWith("/file")) response.end(BODY);
    else if (url === "/to-http") to(`http://${HOST}:${httpPort}/file`);
    else if (url === "/to-loopback") to(`http://127.0.0.1:${httpPort}/file`);
    else if (url === "/to-loopback-https") to(`https://localhost:${httpsPort}/file`);
    else if (url === "/to-file") to("file:///etc/passwd");
    else if (url === "/to-data") to("data:,what%20was%20asked%20for");
    else if (url === "/round") to("/round");
    else if (url === "/twice") to("/to-https");
    else if (url === "/to-https") to(`https://other.${HOST}:${httpsPort}/file`);
    else if (url === "/bomb") response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(1e7)));
    else response.writeHead(404).end();
  };
}

beforeAll(async () => {
  const names = `subjectAltName=DNS:${HOST},DNS:other.${HOST},DNS:localhost,IP:127.0.0.1`;
  const key = join(folder, "key.pem");
  const parts = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  execFileSync("openssl", [...parts, "-subj", `/CN=${HOST}`, "-addext", names, "-keyout", key, "-out", CERTIFICATE], {
    stdio: "ignore",
  });
  https = createServer({ key: readFileSync(key), cert: readFileSync(CERTIFICATE) }, listener(true));
  http = createHttpServer(listener(false));
  for (const server of [https, http]) await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  httpsPort = (https.address() as AddressInfo).port;
  httpPort = (http.address() as AddressInfo).port;
});
afterAll(() => {
  for (const server of [https, http]) {
    server.close();
    server.closeAllConnections();
  }
});

const PROGRAM = `
  import dns from "node:dns";
  const lookup = dns.lookup;
  dns.lookup = (name, options, done) => lookup(name.endsWith("mirror.test") ? "127.0.0.1" : name, options, done);
  const { downloadBytes } = await import(${JSON.stringify(new URL("../src/download.ts", import.meta.url).href)});
  const [url, options] = JSON.parse(process.argv[1]);
  try {
    const bytes = await downloadBytes(url, options);
    console.log(JSON.stringify({ text: Buffer.from(bytes).toString() }));
  } catch (error) {
    console.log(JSON.stringify({ code: error.code, message: error.message, details: error.details }));
  }
`;

interface Outcome {
  readonly text?: string;
  readonly code?: string;
  readonly message?: string;
}

/** Downloads in a process that trusts the certificate of these tests, if it is to. */
function download(url: string, more: object = {}, trusted = true): Promise<Outcome> {
  asked.splice(0);
  const options = { name: "weights.h5", maxBytes: 1000, ...more };
  const args = ["--import", "tsx", "--conditions=source", "--input-type=module", "-e", PROGRAM];
  const child = spawn(process.execPath, [...args, JSON.stringify([url, options])], {
    env: { ...process.env, ...(trusted ? { NODE_EXTRA_CA_CERTS: CERTIFICATE } : {}) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  child.stdout.on("data", (chunk: Buffer) => {
    printed += chunk.toString();
  });
  return new Promise((resolve) => child.on("close", () => resolve(JSON.parse(printed) as Outcome)));
}
const secure = (path: string, user = ""): string => `https://${user}${HOST}:${httpsPort}${path}`;

describe("a download over https", () => {
  it("gives what has the hash that is asked for", async () => {
    expect(await download(secure("/file"), { sha256: SHA256, bytes: BODY.length })).toEqual({ text: BODY });
  });

  it("follows redirects that stay in https", async () => {
    expect(await download(secure("/twice"), { sha256: SHA256 })).toEqual({ text: BODY });
    expect(asked.map(({ path }) => path)).toEqual(["/twice", "/to-https", "/file"]);
  });

  it("sends credentials to the server that they are for, and shows them to nobody", async () => {
    expect(await download(secure("/twice", "me:hunter2@"))).toEqual({ text: BODY });
    const basic = `Basic ${Buffer.from("me:hunter2").toString("base64")}`;
    expect(asked.map(({ authorization }) => authorization)).toEqual([basic, basic, undefined]);
    const failure = await download(secure("/nothing?sig=hunter3", "me:hunter2@"));
    expect(failure).toMatchObject({ code: "download-failed", message: expect.stringContaining("answered 404") });
    expect(JSON.stringify(failure)).not.toMatch(/hunter|me:/);
    const wrong = await download(secure("/file?sig=hunter3", "me:hunter2@"), { sha256: "0".repeat(64) });
    expect(wrong.code).toBe("hash-mismatch");
    expect(JSON.stringify(wrong)).not.toMatch(/hunter|me:/);
  });

  it.each([
    ["to http", "/to-http", "is not https"],
    ["to http on this machine", "/to-loopback", "this machine itself"],
    ["to https on this machine", "/to-loopback-https", "this machine itself"],
    ["to a file", "/to-file", "is not https"],
    ["to data", "/to-data", "is not https"],
    ["round in a circle", "/round", "more than 5 times"],
  ])("refuses to be sent %s", async (_where, path, reason) => {
    const { code, message } = await download(secure(path));
    expect([code, message]).toEqual(["download-failed", expect.stringContaining(reason)]);
    expect(asked.every((request) => request.secure && request.path === path)).toBe(true);
  });

  it.each([
    ["another hash", "/file", { sha256: "0".repeat(64) }, "hash-mismatch"],
    ["more than is said", "/file", { bytes: 3 }, "download-failed"],
    ["less than is said", "/file", { bytes: 100 }, "download-failed"],
    ["more than is taken", "/file", { maxBytes: 3 }, "download-failed"],
    ["more once it is unpacked", "/bomb", { maxBytes: 100_000 }, "download-failed"],
  ])("refuses %s", async (_what, path, more, expected) => {
    expect((await download(secure(path), more)).code).toBe(expected);
  });

  it("refuses a server that nobody vouches for", async () => {
    const { code, message } = await download(secure("/file"), {}, false);
    expect([code, message]).toEqual(["download-failed", expect.stringContaining("certificate")]);
  });

  it.each(["http://mirror.test/weights.h5", "ftp://mirror.test/weights.h5", "file:///etc/passwd", "weights.h5"])(
    "refuses %s before anything is asked for",
    async (url) => {
      await expect(downloadBytes(url, { name: "weights.h5", maxBytes: 10 })).rejects.toMatchObject({
        code: "download-failed",
      });
    },
  );
});
