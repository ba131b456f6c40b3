import { mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openStore } from "@thaw/assets";
import { contractPlan } from "@thaw/core/contract";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AssetServer, startServer } from "../src/asset-server.ts";
import type { PageFiles } from "../src/page-files.ts";

const folder = mkdtempSync(join(tmpdir(), "thaw-"));
const store = openStore(folder);
const files: PageFiles = new Map([
  ["index.html", { bytes: Buffer.from("<!doctype html>"), type: "text/html; charset=utf-8" }],
  ["assets/main.js", { bytes: Buffer.from("0"), type: "text/javascript; charset=utf-8" }],
]);

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

/** Sends a path as it is: `fetch` would tidy it up. */
function ask(
  url: string,
  path: string,
  options: { method?: string; headers?: object; body?: string } = {},
): Promise<Answer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { hostname, port, path, method: options.method ?? "GET", headers: { ...options.headers } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
        );
      },
    );
    outgoing.on("error", reject);
    outgoing.end(options.body);
  });
}

describe("the page's server", () => {
  let server: AssetServer;
  let prefix: string;
  beforeAll(async () => {
    server = await startServer(files, 0);
    prefix = new URL(server.url).pathname;
  });
  afterAll(() => server.close());
  const get = (path: string, headers: object = {}): Promise<Answer> => ask(server.url, path, { headers });

  it("gives the page's own files, isolated and under a strict policy", async () => {
    const index = await get(prefix);
    expect([index.status, index.body.toString()]).toEqual([200, "<!doctype html>"]);
    expect(index.headers).toMatchObject({
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
      "content-security-policy": expect.stringContaining("default-src 'none'"),
      "x-content-type-options": "nosniff",
    });
    expect((await get(`${prefix}assets/main.js`)).headers["content-type"]).toBe("text/javascript; charset=utf-8");
  });

  it.each([
    ["without the token", "/"],
    ["with another token", "/0123456789abcdef/"],
    ["a file that is no page's", "$package.json"],
    ["a way up", "$../../../../etc/passwd"],
    ["a way up, encoded", "$%2e%2e%2f%2e%2e%2fetc%2fpasswd"],
    ["a way up behind a folder", "$assets/../../../package.json"],
    ["a way up, encoded twice", "$%252e%252e%252fetc%252fpasswd"],
    ["a way up with backslashes", "$..\\..\\..\\etc\\passwd"],
    ["a way up with encoded backslashes", "$..%5c..%5cetc%5cpasswd"],
    ["a way up in long UTF-8", "$%c0%ae%c0%ae%c0%afetc%c0%afpasswd"],
    ["a page's file and an encoded NUL", "$assets/main.js%00"],
    ["a page's file in other words", "$./assets/main.js"],
    ["a page's file and a question", "$assets/main.js?x"],
    ["a very long path", `$${"a/".repeat(3000)}`],
    ["a file's address", "$file:///etc/passwd"],
    ["a trace of a run", "$runs/1/trace/step-1.safetensors"],
    ["an absolute path", "$/etc/passwd"],
    ["a blob's way up", `$blobs/..%2f${"0".repeat(64)}`],
    ["a blob of no run", `$blobs/${"0".repeat(64)}`],
    ["a plan of no run", "$runs/7/plan.json"],
    ["something beside the object's own keys", "$constructor"],
  ])("gives nothing %s", async (_, path) => {
    const { status, body } = await get(path.replace("$", prefix));
    expect([status, body.length]).toEqual([404, 0]);
  });

  it("answers nobody who calls it by another name", async () => {
    expect((await get(prefix, { host: "evil.example" })).status).toBe(404);
    expect((await get(prefix, { host: "localhost:80" })).status).toBe(404);
  });

  it.each(["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])("refuses %s", async (method) => {
    expect((await ask(server.url, prefix, { method })).status).toBe(405);
  });

  it("gives a run's data while it runs: whole, in ranges, and nothing of another run", async () => {
    const plan = await contractPlan(store, {});
    const [shard] = plan.dataset.shards;
    if (shard === undefined) throw new Error("The plan has no shard.");
    const path = `${prefix}blobs/${shard.sha256}`;
    const other = await store.put(Buffer.from("not of this run"));
    const stop = server.serve({ id: 1, plan, storeDir: folder });

    const whole = await get(path);
    expect([whole.status, whole.body.length, whole.headers.etag]).toEqual([200, shard.bytes, `"${shard.sha256}"`]);
    const part = await get(path, { range: "bytes=10-19" });
    expect([part.status, part.headers["content-range"]]).toEqual([206, `bytes 10-19/${shard.bytes}`]);
    expect(part.body.equals(whole.body.subarray(10, 20))).toBe(true);
    const rest = await get(path, { range: `bytes=${shard.bytes - 3}-` });
    expect([rest.status, rest.body.length]).toEqual([206, 3]);
    for (const range of [`bytes=${shard.bytes}-`, "bytes=5-2", "bytes=-5", "items=0-1", "bytes=0-1,4-5"]) {
      expect((await get(path, { range })).status).toBe(416);
    }
    expect((await get(`${prefix}blobs/${other.sha256}`)).status).toBe(404);
    expect(JSON.parse((await get(`${prefix}runs/1/plan.json`)).body.toString())).toEqual(
      JSON.parse(JSON.stringify(plan)),
    );

    stop();
    expect((await get(path)).status).toBe(404);
    expect((await get(`${prefix}runs/1/plan.json`)).status).toBe(404);
  });

  it("takes weights where they were asked for, and nowhere else", async () => {
    const plan = await contractPlan(store, {});
    const target = join(folder, "final.safetensors");
    const post = (run: number): Promise<Answer> =>
      ask(server.url, `${prefix}runs/${run}/weights`, { method: "POST", body: "weights" });
    const stops = [
      server.serve({ id: 2, plan, storeDir: folder }),
      server.serve({ id: 3, plan, storeDir: folder, exportWeights: target }),
    ];
    expect((await post(2)).status).toBe(405);
    expect((await post(4)).status).toBe(405);
    expect((await post(3)).status).toBe(200);
    expect(readFileSync(target, "utf8")).toBe("weights");
    for (const stop of stops) stop();
  });

  it("gives no file that a link in the store leads to", async () => {
    const plan = await contractPlan(store, {});
    const [shard] = plan.dataset.shards;
    if (shard === undefined) throw new Error("The plan has no shard.");
    const linked = mkdtempSync(join(tmpdir(), "thaw-"));
    const outside = join(linked, "outside");
    writeFileSync(outside, "secret");
    const place = openStore(linked).pathOf(shard.sha256);
    mkdirSync(dirname(place), { recursive: true });
    symlinkSync(outside, place);
    const stop = server.serve({ id: 8, plan, storeDir: linked });
    const { status, body } = await get(`${prefix}blobs/${shard.sha256}`);
    expect([status, body.length]).toEqual([404, 0]);
    stop();
  });

  it("takes files of a trace by the names they have, and no more than a gigabyte", async () => {
    const plan = await contractPlan(store, {});
    const traces = mkdtempSync(join(tmpdir(), "thaw-"));
    const stop = server.serve({ id: 9, plan, storeDir: folder, traceFolder: traces });
    const post = async (name: string, headers: object = {}): Promise<number> =>
      (await ask(server.url, `${prefix}runs/9/trace/${name}`, { method: "POST", body: "x", headers })).status;
    for (const name of [
      "../step-1.safetensors",
      "..%2fstep-1.safetensors",
      "/tmp/step-1.safetensors",
      "step-1.safetensors/../../x.safetensors",
      "step-1.safetensors%00",
      "step-1.js",
      "step-.safetensors",
      ".bashrc",
      "",
    ]) {
      expect([name, await post(name)]).toEqual([name, 405]);
    }
    expect(await post("step-1.safetensors", { "content-length": String(2 ** 30 + 1) })).toBe(413);
    expect(readdirSync(traces)).toEqual([]);
    expect(await post("step-1.safetensors")).toBe(200);
    expect(readdirSync(traces)).toEqual(["step-1.safetensors"]);
    stop();
  });
});
