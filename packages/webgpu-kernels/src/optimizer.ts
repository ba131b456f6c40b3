import type { Tensor } from "@tensorflow/tfjs-core";
import { type Kernels, type OptimizerUpdate, ThawError } from "@thaw/core";
import type { Commands } from "./commands.ts";
import { UPDATE_THREADS, type UpdateForm, updateWeights } from "./optimizer-shaders.ts";
import { type Lane, laneOf, laneWidth } from "./program.ts";

/** Storage buffers that every device allows a stage. */
const MOST_BUFFERS = 8;

/** One weight of a group, with its place in the flat slots. */
interface GroupMember {
  readonly weight: Tensor;
  readonly gradient: Tensor;
  readonly offset: number;
}

function formOf(update: OptimizerUpdate): UpdateForm {
  switch (update.type) {
    case "sgd":
      if (update.momentum === 0) return "sgd";
      return update.nesterov ? "nesterov" : "momentum";
    case "rmsprop":
      return `rmsprop${update.momentum > 0 ? " momentum" : ""}${update.centered ? " centered" : ""}`;
    case "adam":
      return "adam";
  }
}

/** The numbers of an update by the names of the program's uniforms. */
function numbersOf(update: OptimizerUpdate): Readonly<Record<string, number>> {
  switch (update.type) {
    case "sgd":
      return { stepSize: update.stepSize, momentum: update.momentum };
    case "rmsprop": {
      const { stepSize, rho, momentum, epsilon } = update;
      return { stepSize, rho, rest: 1 - rho, momentum, epsilon };
    }
    case "adam":
      return { stepSize: update.stepSize, fresh1: 1 - update.beta1, fresh2: 1 - update.beta2, epsilon: update.epsilon };
  }
}

/** Cuts a group into runs of members for one dispatch each, of one lane. */
function batches(members: readonly GroupMember[], most: number): { lane: Lane; members: GroupMember[] }[] {
  const result: { lane: Lane; members: GroupMember[] }[] = [];
  for (const member of members) {
    const lane = laneOf(member.weight.size, member.offset);
    const last = result.at(-1);
    if (last !== undefined && last.lane === lane && last.members.length < most) last.members.push(member);
    else result.push({ lane, members: [member] });
  }
  return result;
}

/**
 * The optimizer step in place: as many weights in a dispatch as there are bindings for, no copy, every number read and
 * written once.
 */
export function optimizerKernels(commands: Commands): Pick<Kernels<Tensor>, "optimizerStep"> {
  return {
    optimizerStep(update, weights, gradients, slots) {
      const form = formOf(update);
      const nextSlots = slots.map((slot) => commands.takeOver(slot));
      const nextWeights = weights.map((weight) => commands.takeOver(weight));
      let offset = 0;
      const members = nextWeights.map((weight, index): GroupMember => {
        const gradient = gradients[index];
        if (gradient === undefined) throw new ThawError("internal", `Weight ${index} has no gradient.`);
        const member = { weight, gradient, offset };
        offset += weight.size;
        return member;
      });
      const slotBuffers = Object.fromEntries(nextSlots.map((slot, index) => [`slot${index}`, slot]));
      const most = Math.floor((MOST_BUFFERS - slots.length) / 2);
      const numbers = numbersOf(update);
      for (const { lane, members: batch } of batches(members, most)) {
        const width = laneWidth(lane);
        let groups = 0;
        const places: Record<string, number> = {};
        for (const [index, member] of batch.entries()) {
          groups += Math.ceil(member.weight.size / width / UPDATE_THREADS);
          places[`size${index}`] = member.weight.size / width;
          places[`offset${index}`] = member.offset / width;
          places[`end${index}`] = groups;
        }
        const reads = Object.fromEntries(batch.map(({ gradient }, index) => [`gradient${index}`, gradient]));
        const writes = Object.fromEntries(batch.map(({ weight }, index) => [`weight${index}`, weight]));
        commands.run(
          updateWeights(lane, form, slots.length, batch.length),
          reads,
          { ...writes, ...slotBuffers },
          { ...numbers, ...places },
          [groups],
          { changingUniforms: true },
        );
      }
      for (const gradient of gradients) gradient.dispose();
      return { weights: nextWeights, slots: nextSlots };
    },
  };
}
