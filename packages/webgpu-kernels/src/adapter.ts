import { type AdapterInfo, softwareRefused, ThawError } from "@thaw/core";

/** What a WebGPU adapter says of itself. */
export interface AdapterDescription extends AdapterInfo {
  /** True where the GPU is emulated on the processor. */
  readonly software: boolean;
  /** What a person reads: `SwiftShader`, or vendor, architecture and device. */
  readonly name: string;
}

/** The part of a description that goes into a result. */
export function adapterInfo({ software: _software, name: _name, ...info }: AdapterDescription): AdapterInfo {
  return info;
}

/** Limits worth recording, and those that the device is asked to lift to the adapter's. */
const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupsPerDimension",
] as const;

/** Emulators by the words that their drivers use. */
const EMULATORS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/swiftshader/i, "SwiftShader"],
  [/llvmpipe|lavapipe/i, "lavapipe"],
  [/microsoft basic render|warp/i, "WARP"],
];

/**
 * The emulator behind a driver's words.
 * @returns its name, or null for real hardware
 */
export function emulatorName(words: string): string | null {
  return EMULATORS.find(([pattern]) => pattern.test(words))?.[1] ?? null;
}

/** The adapter's limits of {@link LIMITS}. */
export function limitsOf(limits: GPUSupportedLimits): Record<string, number> {
  return Object.fromEntries(LIMITS.map((name) => [name, limits[name]]));
}

/** What Chromium tells beside with --enable-webgpu-developer-features. */
interface DeveloperInfo {
  readonly driver?: string;
  readonly backend?: string;
}

/** Describes an adapter, and says whether it is an emulator. */
export function describeAdapter(adapter: GPUAdapter): AdapterDescription {
  const { vendor, architecture, device, description } = adapter.info;
  const { driver = "", backend = "" } = adapter.info as DeveloperInfo;
  const emulator = emulatorName(`${vendor} ${architecture} ${device} ${description}`);
  const fallback = adapter.info.isFallbackAdapter === true;
  const words = [...new Set([vendor, architecture, device, description].filter((part) => part !== ""))];
  return {
    vendor,
    architecture,
    device,
    description,
    driver: [driver, backend].filter((part) => part !== "").join(", "),
    software: fallback || emulator !== null,
    name: emulator ?? (words.join(" ") || "unnamed adapter"),
    features: [...adapter.features].sort(),
    limits: limitsOf(adapter.limits),
  };
}

/**
 * Finds an adapter, a hardware one where there is one.
 * @throws ThawError `webgpu-unavailable` where there is none, `software-adapter` where only an emulator is left and
 *   hardware is required
 */
export async function findAdapter(
  gpu: GPU,
  requireHardware: boolean,
): Promise<{ readonly adapter: GPUAdapter; readonly description: AdapterDescription }> {
  const adapter =
    (await gpu.requestAdapter({ powerPreference: "high-performance" })) ??
    (await gpu.requestAdapter({ forceFallbackAdapter: true }));
  if (adapter === null) {
    throw new ThawError("webgpu-unavailable", "WebGPU gave no adapter.", {
      hint: "Check the graphics driver (Vulkan on Linux), or let a software adapter be used.",
    });
  }
  const description = describeAdapter(adapter);
  if (requireHardware && description.software) {
    throw softwareRefused(`The only WebGPU adapter is software (${description.name}).`);
  }
  return { adapter, description };
}
