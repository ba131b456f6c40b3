/** Turns callbacks into an async iterable. */
export interface EventQueue<T> {
  push(event: T): void;
  end(): void;
  /** Ends the iteration with an error, after what was pushed before. */
  fail(error: unknown): void;
  readonly events: AsyncIterable<T>;
}

/** Makes an unbounded queue for one reader. */
export function eventQueue<T>(): EventQueue<T> {
  const waiting: T[] = [];
  let over: { readonly error?: unknown } | undefined;
  let wake: () => void = () => undefined;
  async function* drain(): AsyncGenerator<T> {
    for (;;) {
      const event = waiting.shift();
      if (event !== undefined) yield event;
      else if (over !== undefined) {
        if ("error" in over) throw over.error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }
  return {
    push(event) {
      waiting.push(event);
      wake();
    },
    end() {
      over ??= {};
      wake();
    },
    fail(error) {
      over ??= { error };
      wake();
    },
    events: drain(),
  };
}
