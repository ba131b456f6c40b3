/** A command-line flag of Chromium with the reason why it is there. */
interface ChromiumFlag {
  readonly flag: string;
  readonly reason: string;
}

/** What a launch of Chromium depends on. */
export interface FlagConditions {
  readonly platform: NodeJS.Platform;
  readonly isRoot: boolean;
  /** `hardware` lets Chromium take the GPU's own driver, `software` makes it emulate one. */
  readonly gpu: "hardware" | "software";
}

const ALWAYS: readonly ChromiumFlag[] = [
  { flag: "--enable-unsafe-webgpu", reason: "else WebGPU has no adapter on Linux, and none that is emulated" },
  { flag: "--enable-dawn-features=allow_unsafe_apis", reason: "timestamps of the GPU inside of a pass" },
  { flag: "--enable-webgpu-developer-features", reason: "the adapter then names its driver and version" },
  { flag: "--disable-background-networking", reason: "a training run asks nobody for anything" },
  { flag: "--disable-component-update", reason: "no downloads in the middle of a timing" },
  { flag: "--disable-sync", reason: "no account, no network" },
  { flag: "--disable-quic", reason: "no network but the loopback" },
  { flag: "--no-first-run", reason: "no welcome page" },
  { flag: "--disable-background-timer-throttling", reason: "a page that nobody looks at must train at full speed" },
  { flag: "--disable-renderer-backgrounding", reason: "the same, for the process's priority" },
  {
    flag: "--disable-gpu-watchdog",
    reason: "a long shader must not be taken for a hang; the runner has its own watchdog",
  },
];

const HARDWARE: readonly ChromiumFlag[] = [
  { flag: "--ignore-gpu-blocklist", reason: "headless Chromium blocks drivers that WebGPU itself accepts" },
];

const HARDWARE_LINUX: readonly ChromiumFlag[] = [
  { flag: "--enable-features=Vulkan", reason: "WebGPU on Linux runs on Vulkan" },
  { flag: "--use-angle=vulkan", reason: "headless there is no display for ANGLE's OpenGL" },
  { flag: "--disable-vulkan-surface", reason: "there is nothing to show" },
];

const SOFTWARE: readonly ChromiumFlag[] = [
  { flag: "--use-webgpu-adapter=swiftshader", reason: "takes the emulator even where a driver half works" },
  { flag: "--use-angle=swiftshader", reason: "the same for WebGL" },
  { flag: "--enable-unsafe-swiftshader", reason: "Chromium else refuses to emulate WebGL" },
];

const ROOT: readonly ChromiumFlag[] = [
  { flag: "--no-sandbox", reason: "Chromium's sandbox refuses to run as root (containers, CI)" },
];

/** The flags of one launch. */
export function chromiumFlags({ platform, isRoot, gpu }: FlagConditions): string[] {
  const lists = [
    ALWAYS,
    gpu === "hardware" ? HARDWARE : SOFTWARE,
    gpu === "hardware" && platform === "linux" ? HARDWARE_LINUX : [],
    isRoot ? ROOT : [],
  ];
  return lists.flat().map(({ flag }) => flag);
}
