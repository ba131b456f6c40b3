import "@tensorflow/tfjs-backend-webgl";
import type { MathBackendWebGL } from "@tensorflow/tfjs-backend-webgl";
import * as tf from "@tensorflow/tfjs-core";
import { type AdapterInfo, softwareRefused, ThawError, tfjsKernels, UNIT_ROUNDOFF } from "@thaw/core";
import { emulatorName } from "@thaw/webgpu-kernels/adapter"; // the package itself would bring the other backend
import type { OpenRequest } from "../messages.ts";
import { activate, type PageEngine } from "./page-engine.ts";

/** What the driver says, unmasked where the browser allows it. */
function describe(gl: WebGLRenderingContext): AdapterInfo {
  const extension = gl.getExtension("WEBGL_debug_renderer_info");
  const text = (parameter: number): string => String(gl.getParameter(parameter) ?? "");
  return {
    vendor: text(extension?.UNMASKED_VENDOR_WEBGL ?? gl.VENDOR),
    architecture: "",
    device: "",
    description: text(extension?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER),
    driver: text(gl.VERSION),
    features: [...(gl.getSupportedExtensions() ?? [])].sort(),
    limits: { maxTextureSize: Number(gl.getParameter(gl.MAX_TEXTURE_SIZE)) },
  };
}

function contextLoss(canvas: HTMLCanvasElement | OffscreenCanvas): Promise<never> {
  const failure = new Promise<never>((_, reject) => {
    canvas.addEventListener("webglcontextlost", () => {
      reject(
        new ThawError("gpu-lost", "The WebGL context was lost.", {
          hint: "The GPU process or driver crashed or was reset; run it again, with a smaller batchSize if it recurs.",
        }),
      );
    });
  });
  failure.catch(() => undefined); // seen by whoever races against it
  return failure;
}

/** WebGL 2 with 32-bit floats, with tfjs's kernels. */
export async function openWebglEngine({ requireHardware }: OpenRequest): Promise<PageEngine> {
  tf.env().set("WEBGL_CPU_FORWARD", false); // small tensors would silently be computed on the processor
  await activate("webgl");
  if (!tf.env().getBool("WEBGL_RENDER_FLOAT32_ENABLED")) {
    throw new ThawError("engine-unavailable", "WebGL computes in 16-bit floats here: no training, no parity.", {
      hint: "Use a GPU whose driver can render to 32-bit float textures, or another engine.",
    });
  }
  const { gpgpu } = tf.backend() as MathBackendWebGL;
  const adapter = describe(gpgpu.gl);
  const emulator = emulatorName(`${adapter.vendor} ${adapter.description}`);
  if (requireHardware && emulator !== null) {
    throw softwareRefused(`WebGL runs on an emulator only (${emulator}).`);
  }
  return {
    kernels: tfjsKernels(tf),
    device: { kind: "gpu", name: emulator ?? adapter.description, software: emulator !== null },
    adapter,
    threads: 1,
    unitRoundoff: UNIT_ROUNDOFF.wgsl, // GLSL leaves the rounding direction open too
    failure: contextLoss(gpgpu.gl.canvas),
    synchronize: () => gpgpu.createAndWaitForFence(),
  };
}
