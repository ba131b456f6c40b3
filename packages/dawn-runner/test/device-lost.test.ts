import { expect, it } from "vitest";
import { openDawn } from "../src/dawn.ts";

it("says so when the device is lost", async () => {
  const { device, failure } = await openDawn({ requireHardware: false });
  device.destroy();
  await expect(failure).rejects.toMatchObject({ code: "gpu-lost" });
});
