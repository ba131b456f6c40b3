import { buildNetwork, FORMATS, type SpecInput } from "@thaw/core";
import { type HeldOut, heldOutOf, marginAt80 } from "./held-out.ts";
import type { PhotoSet } from "./photo-set.ts";
import { ENOUGH_STEPS, type TrainingLength, trainingLength } from "./training-length.ts";

/** A default, and the reason for it. */
export interface Choice {
  /** As the spec names it. */
  readonly field: string;
  /** As JSON writes it. */
  readonly value: string;
  readonly why: string;
}

/** The network that is trained further. */
export interface ModelChoice {
  readonly alpha: NonNullable<NonNullable<SpecInput["model"]>["alpha"]>;
  /** Pixels. */
  readonly imageSize: number;
  readonly weights: string;
}

/** What a spec is called and where its photos lie, seen from its own folder. */
export interface SpecPlace {
  readonly name: string;
  readonly dataPath: string;
}

/** A spec with the reasons for what it says. */
export interface ChosenSpec {
  readonly spec: SpecInput;
  /** Images to choose by. */
  readonly validationImages: number;
  /** Pretrained layers: so many frozen leave the head. */
  readonly layers: number;
  readonly choices: readonly Choice[];
}

/**
 * From so many images to train on, the upper blocks are trained after the head, as Keras's guide does with 9,000. With 39 and
 * 240 shoe photos it was no better than the head alone (docs/your-own-photos.md); where between them it begins to pay is a guess.
 */
export const ENOUGH_FOR_BLOCKS = 1000;
/** The rate of a new head: Adam's default. */
export const HEAD_RATE = 1e-3;
/** The rate at which pretrained layers are changed. */
export const BLOCK_RATE = 1e-5;
const FIRST_BLOCK = "block_13_expand";
const DROPOUT = 0.2;
const SEED = 0;
const GUIDE = "Keras's transfer-learning guide";

function modelChoices({ alpha, imageSize, weights }: ModelChoice): Choice[] {
  return [
    {
      field: "model",
      value: `MobileNetV2, alpha ${alpha}, imageSize ${imageSize}, weights ${weights}`,
      why: "A small network that a laptop trains in minutes. Keras publishes ImageNet weights for 96, 128, 160, 192 and 224 px; 160 px is half the work of 224. More pixels help where small details tell classes apart.",
    },
    {
      field: "model.head.dropout",
      value: `${DROPOUT}`,
      why: `A fifth of the features is left out in each step, so that the head does not lean on single ones; ${GUIDE} uses the same rate.`,
    },
  ];
}

function dataChoices(set: PhotoSet, held: HeldOut): Choice[] {
  const { split, testImages, validationImages, trainImages, byReason } = held;
  const skip: Choice[] =
    set.unreadable === 0
      ? []
      : [
          {
            field: "data.skipUnreadable",
            value: "true",
            why: `${set.unreadable} files cannot be read and are left out; results name them. Repair them and remove this field to be told when there are more.`,
          },
        ];
  return [
    {
      field: "data.resize",
      value: '"stretch"',
      why: 'The whole photo, pressed into a square, as Keras loads images. "crop" keeps proportions and loses the edges, "pad" keeps both and adds bars.',
    },
    ...skip,
    {
      field: "split",
      value: `test ${split.test}, validation ${split.validation}`,
      why: `${trainImages} images to train on, ${validationImages} to choose by, ${testImages} to test once at the end: a test accuracy of 80 % is then known to ±${marginAt80(testImages).toFixed(0)} percentage points.`,
    },
    { field: "split.by", value: `"${split.by}"`, why: byReason },
  ];
}

function trainingChoices(held: HeldOut, length: TrainingLength, layers: number, trainsBlocks: boolean): Choice[] {
  const { batchSize, steps, epochs, patience } = length;
  const head = `The ${layers} pretrained layers stay as they are and a new head learns from their features, at Adam's own rate of ${HEAD_RATE.toExponential()}.`;
  const policy: Choice = trainsBlocks
    ? {
        field: "phases",
        value: `head: freeze ${layers}, rate ${HEAD_RATE.toExponential()}; then blocks: freeze "${FIRST_BLOCK}", rate ${BLOCK_RATE.toExponential()}`,
        why: `${head} Then the last four blocks train on at a hundredth of that, since large steps from a new head would destroy what they know (${GUIDE} does so with the whole network, in this order and at these rates).`,
      }
    : {
        field: "freeze, optimizer.learningRate",
        value: `${layers}, ${HEAD_RATE.toExponential()}`,
        why: `${head} On 60 and on 346 shoe photos, training more layers was no better in the test and took five times as long or more; the sweep shows whether it is here.`,
      };
  return [
    policy,
    {
      field: "batchNorm",
      value: '"inference-all"',
      why: `BatchNormalization keeps the statistics of pretraining, as ${GUIDE} advises: those of ${batchSize} photos are too noisy to replace them.`,
    },
    {
      field: "batchSize",
      value: `${batchSize}`,
      why: `${held.trainImages} images make ${steps} steps an epoch. It is steps that teach: one large batch an epoch would learn next to nothing.`,
    },
    {
      field: "epochs",
      value: `${epochs}`,
      why: `At most ${epochs * steps} steps; on small photo sets a head needed about ${ENOUGH_STEPS}.`,
    },
    {
      field: "earlyStopping",
      value: `validationLoss, patience ${patience}, restoreBestWeights`,
      why: `Stops after ${patience} epochs without a lower validation loss and takes the best epoch's weights. Loss rather than accuracy: it moves with every image, accuracy in steps of ${(100 / held.validationImages).toFixed(1)} percentage points.`,
    },
    {
      field: "augmentation.horizontalFlip",
      value: "true",
      why: "Mirrored at random, every photo counts twice. Set it to false where left and right carry meaning: text, hands, traffic signs, x-rays.",
    },
  ];
}

/** Layers of the base, but for the pooling at its end, which has no weights. */
function pretrainedLayers(model: ModelChoice): number {
  const head = { name: "head", dropout: DROPOUT };
  return buildNetwork({ architecture: "MobileNetV2", pooling: "avg", head, ...model }, 2).base.layers.length - 1;
}

/** Chooses a spec for a set of photos by its size, with a reason for every field. */
export function chooseSpec(set: PhotoSet, model: ModelChoice, { name, dataPath }: SpecPlace): ChosenSpec {
  const held = heldOutOf(set, SEED);
  const length = trainingLength(held.trainImages);
  const layers = pretrainedLayers(model);
  const trainsBlocks = held.trainImages >= ENOUGH_FOR_BLOCKS;
  const adam = (learningRate: number): SpecInput["optimizer"] => ({ name: "adam", learningRate });
  const training: Partial<SpecInput> = trainsBlocks
    ? {
        freeze: FIRST_BLOCK,
        optimizer: adam(BLOCK_RATE),
        phases: [
          { name: "head", epochs: length.epochs, freeze: layers, optimizer: adam(HEAD_RATE) },
          { name: "blocks", epochs: length.epochs },
        ],
      }
    : { freeze: layers, optimizer: adam(HEAD_RATE), epochs: length.epochs };
  const spec: SpecInput = {
    version: FORMATS.spec.version,
    name,
    model: { ...model, head: { dropout: DROPOUT } },
    data: {
      kind: "folder",
      path: dataPath,
      resize: "stretch",
      ...(set.unreadable > 0 ? { skipUnreadable: true } : {}),
    },
    split: held.split,
    ...training,
    batchNorm: "inference-all",
    batchSize: length.batchSize,
    earlyStopping: { monitor: "validationLoss", patience: length.patience, restoreBestWeights: true },
    augmentation: { horizontalFlip: true },
    seed: SEED,
  };
  const choices = [
    ...modelChoices(model),
    ...dataChoices(set, held),
    ...trainingChoices(held, length, layers, trainsBlocks),
    {
      field: "seed",
      value: `${SEED}`,
      why: "Decides the split, the head's first weights and the order of images. Other seeds (thaw sweep SPEC --seed 0,1,2,3,4) show how much of a difference is chance.",
    },
  ];
  return { spec, layers, validationImages: held.validationImages, choices };
}
