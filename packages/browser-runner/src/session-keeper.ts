import type { EngineName } from "./messages.ts";
import { type BrowserSession, openSession } from "./session.ts";
import { type BrowserSettings, openRequest } from "./settings.ts";

/** A browser that nobody uses for so long is closed, so that it keeps no program from ending. */
const IDLE_MS = 5000;

/** Keeps one session from run to run: its shaders stay compiled. */
export class SessionKeeper {
  readonly #engine: EngineName;
  readonly #endpoint: string | undefined;
  #kept: { readonly session: BrowserSession; readonly key: string } | undefined;
  #idle: NodeJS.Timeout | undefined;

  /** @param endpoint Playwright server whose browser it is; one that is started here, or the first server, without it */
  constructor(engine: EngineName, endpoint?: string) {
    this.#engine = engine;
    this.#endpoint = endpoint;
  }

  /** Takes the session for these settings; give it back with {@link release}. */
  async acquire(settings: BrowserSettings): Promise<BrowserSession> {
    clearTimeout(this.#idle);
    const key = JSON.stringify(settings);
    if (this.#kept?.key === key && this.#kept.session.alive) return this.#kept.session;
    await this.close();
    const session = await openSession(openRequest(this.#engine, settings), settings.port, this.#endpoint);
    this.#kept = { session, key };
    return session;
  }

  release(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => void this.close(), IDLE_MS);
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const kept = this.#kept;
    this.#kept = undefined;
    await kept?.session.close();
  }
}
