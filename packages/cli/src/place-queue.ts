import { type RunnerPlace, type SerializedError, ThawError } from "@thaw/core";

/** How work at a place ended: it is over, well or not, or the place is gone and the work is to be done elsewhere. */
export type PlaceEnding = { readonly lost: false } | { readonly lost: true; readonly failure: SerializedError };

/** Work for several places. */
export interface PlaceWork<Task> {
  /** In the order in which they are taken. */
  readonly tasks: readonly Task[];
  readonly places: readonly RunnerPlace[];
  /** What it throws ends the whole work. */
  work(task: Task, place: RunnerPlace): Promise<PlaceEnding>;
  /** Is told of a place that is gone, and of the task that goes back. */
  onLost(place: RunnerPlace, task: Task, failure: SerializedError): void;
}

/** Work that is to be done, and whoever waits for some. */
class TaskQueue<Task> {
  readonly #waiting: Task[];
  #running = 0;
  #stopped = false;
  #wake: (() => void)[] = [];

  constructor(tasks: readonly Task[]) {
    this.#waiting = [...tasks];
  }

  get left(): number {
    return this.#waiting.length;
  }

  /** The next task; waits while one that is running may come back. @returns undefined where nothing is left */
  async take(): Promise<{ readonly task: Task } | undefined> {
    for (;;) {
      if (this.#stopped) return undefined;
      const [task] = this.#waiting.splice(0, 1);
      if (task !== undefined) {
        this.#running += 1;
        return { task };
      }
      if (this.#running === 0) return undefined;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  settle(): void {
    this.#running -= 1;
    this.#wakeAll();
  }

  giveBack(task: Task): void {
    this.#waiting.unshift(task);
    this.settle();
  }

  stop(): void {
    this.#stopped = true;
    this.#wakeAll();
  }

  #wakeAll(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }
}

/**
 * Has tasks done at several places, each taking the next one when it is free. A place that is gone takes none any more.
 * @throws ThawError `runner-unavailable` where every place is gone before the tasks are, and what the work throws
 */
export async function runAtPlaces<Task extends object>({
  tasks,
  places,
  work,
  onLost,
}: PlaceWork<Task>): Promise<void> {
  const queue = new TaskQueue(tasks);
  async function runAt(place: RunnerPlace): Promise<void> {
    for (let taken = await queue.take(); taken !== undefined; taken = await queue.take()) {
      const { task } = taken;
      try {
        const ending = await work(task, place);
        if (ending.lost) {
          onLost(place, task, ending.failure);
          queue.giveBack(task);
          return;
        }
        queue.settle();
      } catch (error) {
        queue.stop();
        throw error;
      }
    }
  }
  // All of them, or a cell would still run when the caller clears away.
  const endings = await Promise.allSettled(places.map(runAt));
  for (const ending of endings) if (ending.status === "rejected") throw ending.reason;
  if (queue.left === 0) return;
  const names = places.map(({ name }) => name).join(", ");
  throw new ThawError(
    "runner-unavailable",
    `All ${places.length} places are gone (${names}); ${queue.left} cells have not run.`,
    {
      hint: "Start them again, or give others: the same command goes on with the cells that are left.",
    },
  );
}
