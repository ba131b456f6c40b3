import type { DeviceTimer } from "@thaw/core";
import { afterAll, expect, it } from "vitest";
import { openDawn } from "../src/dawn.ts";

const dawn = await openDawn({ requireHardware: false });
afterAll(() => dawn.close());
const kernels = dawn.kernels([]);

function timerOf(): DeviceTimer {
  return dawn.deviceTimer() ?? expect.fail("This adapter has no timestamps.");
}

/** Timed work: a matrix product, large or small. */
function multiply(size: number): void {
  const [a, b] = [kernels.upload(new Float32Array(size * size).fill(0.5), [size, size]), new Float32Array(size)];
  const [kernel, bias] = [kernels.upload(new Float32Array(size * size), [size, size]), kernels.upload(b, [size])];
  for (const tensor of [kernels.dense(a, kernel, bias), a, kernel, bias]) kernels.dispose(tensor);
}

// Again where something else had the processor during the small dispatch.
it("tells what each dispatch took, and a large one from a small one", { retry: 3 }, async () => {
  for (const size of [8, 128]) multiply(size); // compiles
  await dawn.synchronize();
  const timer = timerOf();
  timer.start();
  multiply(8);
  const small = timer.count();
  multiply(128);
  const startedMs = performance.now();
  await dawn.synchronize();
  const elapsedMs = performance.now() - startedMs;
  const times = await timer.stop();
  expect(small).toBeGreaterThan(0);
  expect(times.length).toBe(2 * small);
  const total = (part: readonly number[]): number => part.reduce((sum, ms) => sum + ms, 0);
  expect(total(times.slice(small))).toBeGreaterThan(10 * total(times.slice(0, small)));
  expect(total(times)).toBeGreaterThan(0);
  expect(total(times)).toBeLessThan(2 * elapsedMs + 50); // milliseconds, not some other unit
});

it("counts every dispatch, timed or not, our own and tfjs's", () => {
  const before = dawn.dispatches();
  multiply(8);
  expect(dawn.dispatches()).toBe(before + 1);
  dawn.tf.tidy(() => dawn.tf.exp(dawn.tf.zeros([8])));
  expect(dawn.dispatches()).toBeGreaterThan(before + 1);
});

it("counts on where a set of timestamps is full, and starts afresh", async () => {
  const timer = timerOf();
  timer.start();
  const x = kernels.upload(new Float32Array(64), [8, 8]);
  while (timer.count() < 2100) kernels.dispose(kernels.relu(x, 6)); // a set holds 2048
  kernels.dispose(x);
  const { length } = await timer.stop();
  expect(length).toBe(timer.count());
  timer.start();
  expect(timer.count()).toBe(0);
  multiply(8);
  const times = await timer.stop();
  expect(times.length).toBeLessThan(10);
  expect(Math.max(...times)).toBeLessThan(1000);
});

it("leaves dispatches alone once it has stopped", async () => {
  const timer = timerOf();
  timer.start();
  await timer.stop();
  const before = timer.count();
  multiply(8);
  await dawn.synchronize();
  expect(timer.count()).toBe(before);
});
