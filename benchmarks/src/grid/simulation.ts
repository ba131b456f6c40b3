import { type RandomStream, randomStream } from "@thaw/core";

/** Machines that run shards, and what happens to them. Times in hours. */
export interface Fleet {
  readonly machines: number;
  /** Mean time between a machine's failures, exponentially distributed; `Infinity` for none. */
  readonly mtbf: number;
  /** From a failure until the machine takes work again. */
  readonly restart: number;
  /** What a shard needs before its first cell, each time it starts. */
  readonly setUp: number;
  /** How many times longer a cell takes on each machine; 1 without it. */
  readonly slowness?: readonly number[];
}

/** State kept in the middle of a cell: after so many hours of it, at such a price. */
export interface Checkpoints {
  readonly every: number;
  readonly cost: number;
}

/** What came of it, hours; all but `makespan` summed over machines. */
export interface SimulatedGrid {
  /** Until the last cell is done. */
  readonly makespan: number;
  /** Of cells that count, at the speed of the machine that ran them. */
  readonly useful: number;
  /** Of cells, thrown away by failures. */
  readonly lost: number;
  /** Set-ups and checkpoints. */
  readonly overhead: number;
  readonly failures: number;
}

interface Job {
  /** Hours of the cells that are left, at normal speed. */
  cells: number[];
}

interface Machine {
  readonly slowness: number;
  readonly random: RandomStream;
  failsAt: number;
}

/** What a machine does next, and when. */
interface Turn {
  readonly at: number;
  readonly machine: number;
  /** Comes back with the machine, unfinished. */
  readonly returned: Job | undefined;
}

/** Turns by time, those of one time by machine. */
class Agenda {
  readonly #heap: Turn[] = [];

  static #before(a: Turn, b: Turn): boolean {
    return a.at < b.at || (a.at === b.at && a.machine < b.machine);
  }

  push(turn: Turn): void {
    this.#heap.push(turn);
    for (let at = this.#heap.length - 1; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.#swapIfBefore(at, parent)) break;
      at = parent;
    }
  }

  pop(): Turn | undefined {
    const [first] = this.#heap;
    const last = this.#heap.pop();
    if (last === undefined || first === last) return last;
    this.#heap[0] = last;
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      const right = left + 1;
      const [a, b] = [this.#heap[left], this.#heap[right]];
      if (a === undefined) break;
      const least = b !== undefined && Agenda.#before(b, a) ? right : left;
      if (!this.#swapIfBefore(least, at)) break;
      at = least;
    }
    return first;
  }

  #swapIfBefore(child: number, parent: number): boolean {
    const [a, b] = [this.#heap[child], this.#heap[parent]];
    if (a === undefined || b === undefined || !Agenda.#before(a, b)) return false;
    this.#heap[child] = b;
    this.#heap[parent] = a;
    return true;
  }
}

function timeToFailure({ mtbf }: Fleet, random: RandomStream): number {
  return mtbf === Number.POSITIVE_INFINITY ? mtbf : -mtbf * Math.log(1 - random.uniform());
}

/**
 * Plays a grid through: each shard is taken by the first machine that is free; where a machine fails, the cell that it
 * ran is lost back to its last checkpoint, the shard is free again, and its finished cells stay.
 * @param shards hours of each shard's cells, at normal speed; in the order in which they are taken
 */
export function simulateGrid(
  shards: readonly (readonly number[])[],
  fleet: Fleet,
  checkpoints: Checkpoints | null,
  seed: number,
): SimulatedGrid {
  const machines = Array.from({ length: fleet.machines }, (_, at): Machine => {
    const random = randomStream(seed, `machine/${at}`);
    return { slowness: fleet.slowness?.[at] ?? 1, random, failsAt: timeToFailure(fleet, random) };
  });
  const waiting = shards.map((cells): Job => ({ cells: [...cells] }));
  const idle: number[] = [];
  const agenda = new Agenda();
  for (const machine of machines.keys()) agenda.push({ at: 0, machine, returned: undefined });
  const sums = { makespan: 0, useful: 0, lost: 0, overhead: 0, failures: 0 };

  /** Runs a job until it is done or the machine fails. @returns when that is, and whether it is done */
  function work(
    job: Job,
    { slowness, failsAt }: Machine,
    start: number,
  ): { readonly at: number; readonly done: boolean } {
    let now = start + fleet.setUp;
    sums.overhead += Math.min(fleet.setUp, failsAt - start);
    while (now < failsAt) {
      const [hours] = job.cells;
      if (hours === undefined) return { at: now, done: true };
      const needed = hours * slowness;
      const kept = checkpoints === null ? 0 : Math.max(0, Math.ceil(needed / checkpoints.every) - 1);
      const price = kept * (checkpoints?.cost ?? 0);
      if (now + needed + price <= failsAt) {
        now += needed + price;
        sums.useful += needed;
        sums.overhead += price;
        job.cells.shift();
        continue;
      }
      const elapsed = failsAt - now;
      const { every, cost } = checkpoints ?? { every: Number.POSITIVE_INFINITY, cost: 0 };
      const whole = Math.min(kept, Math.floor(elapsed / (every + cost)));
      const saved = whole === 0 ? 0 : whole * every;
      sums.useful += saved;
      sums.overhead += whole * cost;
      sums.lost += elapsed - saved - whole * cost;
      job.cells[0] = hours - saved / slowness;
      now = failsAt;
    }
    return { at: failsAt, done: job.cells.length === 0 };
  }

  let unfinished = waiting.length;
  for (let turn = agenda.pop(); turn !== undefined && unfinished > 0; turn = agenda.pop()) {
    const machine = machines[turn.machine];
    if (machine === undefined) continue;
    if (turn.returned !== undefined) {
      waiting.unshift(turn.returned);
      const next = idle.shift();
      if (next !== undefined) agenda.push({ at: turn.at, machine: next, returned: undefined });
    }
    if (machine.failsAt <= turn.at) {
      sums.failures += 1;
      const up = machine.failsAt + fleet.restart;
      machine.failsAt = Math.max(up, turn.at) + timeToFailure(fleet, machine.random);
      agenda.push({ at: Math.max(up, turn.at), machine: turn.machine, returned: undefined });
      continue;
    }
    const job = waiting.shift();
    if (job === undefined) {
      idle.push(turn.machine);
      continue;
    }
    const { at, done } = work(job, machine, turn.at);
    if (done) {
      unfinished -= 1;
      sums.makespan = Math.max(sums.makespan, at);
    }
    agenda.push({ at, machine: turn.machine, returned: done ? undefined : job });
  }
  return sums;
}
