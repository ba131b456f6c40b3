import { afterAll, expect, it } from "vitest";
import { openDawn } from "../src/dawn.ts";

const dawn = await openDawn({ requireHardware: false });
afterAll(() => dawn.close());

it("says which limit was broken, though WebGPU throws nothing", async () => {
  const size = 2 * (dawn.adapter.limits.maxBufferSize ?? 0);
  dawn.device.createBuffer({ size, usage: GPUBufferUsage.STORAGE });
  await expect(dawn.failure).rejects.toMatchObject({
    code: expect.stringMatching(/^gpu-(error|out-of-memory)$/),
    message: expect.stringContaining(String(size)),
  });
});
