import { deviceLabel, type Environment, serializeError } from "@thaw/core";
import type { EngineName } from "../../src/messages.ts";
import { type EngineLink, openEngineLink } from "../engine/engine-link.ts";
import { byId } from "./element.ts";

/** The engine that the visitor has chosen. */
export interface EngineChoice {
  /** @throws ThawError why the chosen engine is not there */
  engine(): Promise<EngineLink>;
  /** Ends the engine and starts the same one anew: what broke once stays broken. */
  restart(): void;
}

const NAMES: Readonly<Record<EngineName, string>> = {
  webgpu: "WebGPU",
  webgl: "WebGL",
  wasm: "WebAssembly",
  cpu: "JavaScript",
};

/** The device as the page names it: what is emulated says so. */
function lineOf(name: EngineName, environment: Environment): string {
  const label = `${NAMES[name]} on ${deviceLabel(environment)}`;
  return environment.device.software
    ? `${label}. This GPU is emulated by the processor: right numbers, slowly.`
    : label;
}

/** Shows what trains and lets the visitor choose; nothing is chosen in place of what is missing. */
export function engineChoice(): EngineChoice {
  const select = byId("engine", HTMLSelectElement);
  const line = byId("device", HTMLParagraphElement);
  const missing = byId("no-engine", HTMLDivElement);
  const reason = byId("no-engine-reason", HTMLParagraphElement);
  let link: Promise<EngineLink> | undefined;

  async function show(name: EngineName, opening: Promise<EngineLink>): Promise<void> {
    line.textContent = `Starting ${NAMES[name]} …`;
    line.className = "";
    try {
      const { environment } = await opening;
      if (link !== opening) return; // another was chosen meanwhile
      line.textContent = lineOf(name, environment);
      line.className = environment.device.software ? "emulated" : "ready";
      missing.hidden = true;
    } catch (error) {
      if (link !== opening) return;
      const { message } = serializeError(error);
      line.textContent = `${NAMES[name]} is not there`;
      line.className = "missing";
      reason.textContent = window.isSecureContext
        ? message
        : "This page came over http. Browsers allow WebGPU only over https, or from localhost.";
      missing.hidden = false;
    }
  }

  function open(): Promise<EngineLink> {
    const name = select.value as EngineName;
    void link?.then(
      (old) => old.close(),
      () => undefined,
    );
    const opening = openEngineLink(name);
    link = opening;
    void show(name, opening);
    return opening;
  }

  select.addEventListener("change", () => void open());
  byId("use-wasm", HTMLButtonElement).addEventListener("click", () => {
    select.value = "wasm";
    void open();
    byId("train", HTMLButtonElement).focus();
  });
  void open();
  return {
    restart: () => void open(),
    async engine() {
      try {
        return await (link ?? open());
      } catch {
        return await open(); // once more: a driver may have come back
      }
    },
  };
}
