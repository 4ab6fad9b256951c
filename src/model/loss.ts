import { logSumExp } from "../metrics/crossEntropy.ts"
import type { Batch, Softened } from "../pipeline/Batch.ts"
import { elementAt } from "../pipeline/elementAt.ts"
import type { ColumnLabels } from "../pipeline/LabelColumn.ts"
import type { Head, Network } from "./Network.ts"
import { headsOf } from "./Network.ts"

/** How the loss of a training step is made; of all of its numbers the defaults are those that change nothing. */
export interface LossOptions {
  /**
   * Share of the target that is spread evenly: over all classes as in PyTorch's `cross_entropy(label_smoothing)`; in a
   * column with several values, over true and untrue.
   */
  readonly labelSmoothing: number
  /**
   * One factor for each logit, or none. A class's factor in a column with one value, whose mean is over the sum of the
   * factors, as PyTorch's `cross_entropy(weight)` is; in a column with several, PyTorch's `pos_weight`.
   */
  readonly classWeights: Float32Array | undefined
  /** The factor of each head's loss; 1 where left out. */
  readonly lossWeights?: ReadonlyArray<number> | undefined
  /** Gamma of the focal loss (Lin et al., 2017); 0 where left out: the plain loss. */
  readonly focal?: number | undefined
  /** One number for each logit, which is added to it before the loss (Menon et al., 2021), or none. */
  readonly adjustment?: Float32Array | undefined
  /** How the batches' teacher counts, or none. */
  readonly teacher?: Distillation | undefined
}

/** How much a teacher counts beside the labels: see `softTargets`. */
export interface Distillation {
  /** Divides the logits of both before their probabilities are compared. */
  readonly temperature: number
  /** The teacher's share of the loss, from 0 to 1; the labels have the rest. */
  readonly weight: number
}

/** The labels, the mixing and the teacher of a batch, of which its loss is made. */
export type LabelledBatch = Pick<Batch, "columns" | "labels" | "mix" | "softened" | "teacher">

/** The labels of a batch for each head of its network. */
export const columnsOf = ({ columns, labels }: LabelledBatch): ReadonlyArray<ColumnLabels> =>
  columns ?? [{ values: "one", labels }]

/** log of the logistic function. */
const logSigmoid = (x: number): number => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)))

/** What a head's loss is made of, beside its logits. */
export interface HeadTargets {
  readonly head: Head
  /** The head's first logit among those of all heads. */
  readonly from: number
  /** The factor of the loss. */
  readonly weight: number
  /** (rows, classes): the factor of each class's -log p; in a `sigmoid` head p is the probability that it is true. */
  readonly targets: Float64Array
  /** (rows, classes), in a `sigmoid` head: the factor of each class's -log (1 - p). */
  readonly others: Float64Array
  /** One for each row, in a `softmax` head: the sum of its targets. */
  readonly sums: Float64Array
  /** What the sum of the rows' losses is divided by. */
  readonly total: number
  /** One for each row: the share of it that is known, from 0 to 1. A row of 0 counts in no loss and has no gradient. */
  readonly known: Float64Array
  /** What a teacher adds to the loss; nothing where no teacher has the head's column. */
  readonly soft?: SoftTargets | undefined
}

/** What a teacher adds to a head's loss. */
export interface SoftTargets {
  /** (rows, classes): the teacher's probabilities; of several teachers, their mean. */
  readonly probabilities: Float64Array
  readonly temperature: number
  /** One for each row: the factor of its divergence from the teacher. */
  readonly weights: Float64Array
}

/** Whether any row of a head is known. */
export const hasKnown = ({ known }: HeadTargets): boolean => known.some((share) => share > 0)

/** Two rows of a batch and the first one's share; the same row twice where nothing is mixed. */
const mixedOf = ({ mix }: LabelledBatch, row: number) =>
  mix === undefined
    ? { partner: row, share: 1 }
    : { partner: elementAt(mix.partners, row), share: elementAt(mix.shares, row) }

/** The share of a row that is known, when its two labels are known or not. */
const knownShare = (first: boolean, second: boolean, share: number): number =>
  first && second ? 1 : first ? share : second ? 1 - share : 0

/**
 * A row's target is t_c = (1 - s) w_y [c = y] + s w_c / classes, with the class weights w and the smoothing s; the mean
 * is over the sum of the w_y. Where a row has two labels, [c = y] is the share of each, w_y becomes w_c, and the mean is
 * over the rows. A label that is not known has no part in it, and a row counts as far as it is known.
 *
 * Where a label is softened, a share of it is the second class's: w_y becomes the mean of both classes' weights by their
 * shares.
 */
const softmaxTargets = (
  labels: Int32Array,
  softened: Softened | undefined,
  classes: number,
  weightOf: (c: number) => number,
  labelSmoothing: number,
  batch: LabelledBatch
) => {
  /** The classes of a row's target, each with its share. */
  const classesOf = (row: number): ReadonlyArray<readonly [c: number, share: number]> => {
    const label = elementAt(labels, row)
    const share = softened?.shares[row] ?? 0
    if (softened === undefined || share === 0) return [[label, 1]]
    return [
      [label, 1 - share],
      [elementAt(softened.labels, row), share]
    ]
  }
  const targets = new Float64Array(labels.length * classes)
  const sums = new Float64Array(labels.length)
  const known = new Float64Array(labels.length)
  let smoothed = 0 // the part of every row's target that does not depend on its label, summed over the classes
  for (let c = 0; c < classes; c++) smoothed += (labelSmoothing * weightOf(c)) / classes
  let total = 0
  for (const [row, label] of labels.entries()) {
    const { partner, share } = mixedOf(batch, row)
    const other = elementAt(labels, partner)
    const there = knownShare(label >= 0, other >= 0, share)
    if (there === 0) continue
    let sharp = 0
    const add = (from: number, part: number) => {
      for (const [c, own] of classesOf(from)) {
        const target = (1 - labelSmoothing) * part * own * weightOf(c)
        targets[row * classes + c] = elementAt(targets, row * classes + c) + target
        sharp += target
      }
    }
    if (label >= 0) add(row, share)
    if (other >= 0) add(partner, 1 - share)
    for (let c = 0; c < classes; c++) {
      const at = row * classes + c
      targets[at] = elementAt(targets, at) + ((labelSmoothing * weightOf(c)) / classes) * there
    }
    sums[row] = sharp + smoothed * there
    known[row] = there
    total += batch.mix === undefined ? classesOf(row).reduce((sum, [c, own]) => sum + own * weightOf(c), 0) : there
  }
  return { targets, others: new Float64Array(0), sums, known, total }
}

/**
 * A class's targets are w_c y of being true and 1 - y of not being true, with y = (1 - s) [true] + s / 2 and the positive
 * weights w; the mean is over rows and classes. Where a row is mixed of two, y is their mean by their shares; where only
 * one of them is known, it is that one's, and the row counts with its share.
 */
const sigmoidTargets = (
  { known: isKnown, labels }: Extract<ColumnLabels, { values: "several" }>,
  classes: number,
  weightOf: (c: number) => number,
  labelSmoothing: number,
  batch: LabelledBatch
) => {
  const targets = new Float64Array(labels.length)
  const others = new Float64Array(labels.length)
  const known = new Float64Array(isKnown.length)
  let total = 0
  for (const [row, isFirst] of isKnown.entries()) {
    const { partner, share } = mixedOf(batch, row)
    const isSecond = elementAt(isKnown, partner)
    const there = knownShare(isFirst === 1, isSecond === 1, share)
    if (there === 0) continue
    for (let c = 0; c < classes; c++) {
      const first = isFirst * share * elementAt(labels, row * classes + c)
      const second = isSecond * (1 - share) * elementAt(labels, partner * classes + c)
      const mean = (1 - labelSmoothing) * (first + second) + 0.5 * labelSmoothing * there
      targets[row * classes + c] = weightOf(c) * mean
      others[row * classes + c] = there - mean
    }
    known[row] = there
    total += there * classes
  }
  return { targets, others, sums: new Float64Array(0), known, total }
}

/** The probabilities that a head gives by a row of logits. */
const probabilitiesOf = ({ kind }: Head, logits: Float64Array): Float64Array => {
  if (kind === "sigmoid") return logits.map((logit) => Math.exp(logSigmoid(logit)))
  const normaliser = logSumExp(logits)
  return logits.map((logit) => Math.exp(logit - normaliser))
}

/** A row of logits at a temperature. */
const cooled = (logits: Float32Array, temperature: number): Float64Array =>
  Float64Array.from(logits, (logit) => logit / temperature)

/**
 * A teacher's part of a head's loss: w T² KL(teacher || student), both at the temperature T, while the labels' loss
 * counts (1 - w). Source: Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network, 2015.
 *
 * The mean is over the known rows as far as they are known and, in a `sigmoid` head, over its classes, each of which is
 * a distribution of two, true and untrue. Neither class weights nor smoothing, gamma or adjustment concern it.
 */
const softTargets = (
  head: Head,
  teachers: ReadonlyArray<Float32Array>,
  known: Float64Array,
  { temperature, weight }: Distillation,
  lossWeight: number
): SoftTargets => {
  const probabilities = new Float64Array(known.length * head.classes)
  for (const logits of teachers)
    for (const row of known.keys()) {
      const at = row * head.classes
      const own = probabilitiesOf(head, cooled(logits.subarray(at, at + head.classes), temperature))
      for (const [c, p] of own.entries()) probabilities[at + c] = elementAt(probabilities, at + c) + p / teachers.length
    }
  const total = known.reduce((sum, share) => sum + share, 0) * (head.kind === "sigmoid" ? head.classes : 1)
  const factor = lossWeight * weight * temperature ** 2
  return { probabilities, temperature, weights: known.map((share) => (share === 0 ? 0 : (factor * share) / total)) }
}

/** What the losses of a network's heads are made of, in their order. */
export const targetsOf = (
  network: Pick<Network, "classes" | "heads">,
  batch: LabelledBatch,
  { classWeights, labelSmoothing, lossWeights, teacher }: LossOptions
): ReadonlyArray<HeadTargets> => {
  const columns = columnsOf(batch)
  let from = 0
  return headsOf(network).map((head, index) => {
    const start = from
    from += head.classes
    const weightOf = (c: number) => classWeights?.[start + c] ?? 1
    const column = elementAt(columns, index)
    const made =
      column.values === "one"
        ? softmaxTargets(column.labels, batch.softened?.[index], head.classes, weightOf, labelSmoothing, batch)
        : sigmoidTargets(column, head.classes, weightOf, labelSmoothing, batch)
    const weight = lossWeights?.[index] ?? 1
    const teachers = batch.teacher?.[index] ?? []
    if (teacher === undefined || teachers.length === 0) return { head, from: start, weight, ...made }
    const soft = softTargets(head, teachers, made.known, teacher, weight)
    return { head, from: start, weight: weight * (1 - teacher.weight), ...made, soft }
  })
}

/**
 * t (1 - p)^γ (-log p), and its slope times -p: a = t ((1 - p)^γ - γ p (1 - p)^(γ - 1) log p), which is t where γ is 0.
 * Both are 0 at p = 1, and a is t at p = 0, where the formula has 0 times infinity.
 */
const focalTerm = (target: number, logProbability: number, gamma: number) => {
  const p = Math.exp(logProbability)
  const rest = -Math.expm1(logProbability)
  const factor = rest ** gamma
  const bend = p === 0 || rest === 0 ? 0 : gamma * p * rest ** (gamma - 1) * logProbability
  return { loss: -target * factor * logProbability, slope: target * (factor - bend) }
}

/** A row of logits with what is to be made of it. */
interface LossRow {
  readonly logits: Float64Array | Float32Array
  readonly targets: HeadTargets
  readonly index: number
  readonly gamma: number
  /** The losses of the rows before it. */
  readonly before: number
  /** Takes the gradient of each logit. */
  readonly put: (c: number, gradient: number) => void
}

/** The sum of losses with a row of a `softmax` head; neither it nor the gradient is divided by the total. */
const softmaxRow = ({ before, gamma, index, logits, put, targets: { sums, targets } }: LossRow): number => {
  const normaliser = logSumExp(logits)
  const from = index * logits.length
  let loss = before
  if (gamma === 0) {
    const sum = elementAt(sums, index)
    for (const [c, logit] of logits.entries()) {
      const target = elementAt(targets, from + c)
      const logProbability = logit - normaliser
      // A class without a target adds nothing, also where its probability is 0 and the logarithm -Infinity.
      if (target !== 0) loss -= target * logProbability
      put(c, sum * Math.exp(logProbability) - target)
    }
    return loss
  }
  const terms = Array.from(logits, (logit, c) => {
    const target = elementAt(targets, from + c)
    return target === 0 ? undefined : focalTerm(target, logit - normaliser, gamma)
  })
  const sum = terms.reduce((sum, term) => sum + (term?.slope ?? 0), 0)
  for (const [c, logit] of logits.entries()) {
    const term = terms[c]
    loss += term?.loss ?? 0
    put(c, sum * Math.exp(logit - normaliser) - (term?.slope ?? 0))
  }
  return loss
}

/** The same for a row of a `sigmoid` head: each class is a softmax over two, true and untrue. */
const sigmoidRow = ({ before, gamma, index, logits, put, targets: { others, targets } }: LossRow): number => {
  const from = index * logits.length
  let loss = before
  for (const [c, logit] of logits.entries()) {
    let gradient = 0
    const add = (target: number, sign: 1 | -1) => {
      if (target === 0) return
      const term = focalTerm(target, logSigmoid(sign * logit), gamma)
      loss += term.loss
      gradient -= sign * Math.exp(logSigmoid(-sign * logit)) * term.slope
    }
    add(elementAt(targets, from + c), 1)
    add(elementAt(others, from + c), -1)
    put(c, gradient)
  }
  return loss
}

/** p log(p / q) by log q: 0 where p is 0. */
const divergence = (p: number, logQ: number): number => (p === 0 ? 0 : p * (Math.log(p) - logQ))

/**
 * A row's divergence from its teacher, times its factor; `add` takes what the gradient of each logit gains:
 * w T (q - p), with the student's probabilities q and the teacher's p, both at the temperature T.
 */
const softRow = (
  head: Head,
  logits: Float32Array,
  index: number,
  { probabilities, temperature, weights }: SoftTargets,
  add: (c: number, gradient: number) => void
): number => {
  const own = cooled(logits, temperature)
  const normaliser = head.kind === "softmax" ? logSumExp(own) : 0
  const factor = elementAt(weights, index)
  let sum = 0
  for (const [c, logit] of own.entries()) {
    const p = elementAt(probabilities, index * head.classes + c)
    const logQ = head.kind === "softmax" ? logit - normaliser : logSigmoid(logit)
    sum += divergence(p, logQ)
    if (head.kind === "sigmoid") sum += divergence(1 - p, logSigmoid(-logit))
    add(c, (factor / temperature) * (Math.exp(logQ) - p))
  }
  return factor * sum
}

/**
 * The loss of a batch (nats), and its gradient with respect to the logits (rows, classes of all heads).
 *
 * The sum of the heads' losses, each times its weight. A `softmax` head's is the mean cross-entropy of its known rows,
 * PyTorch's `cross_entropy(weight, label_smoothing, ignore_index=-1)` with class indexes and, for two labels, with
 * probabilities; a `sigmoid` head's is the mean binary cross-entropy over its known rows and its classes, PyTorch's
 * `binary_cross_entropy_with_logits(pos_weight)`. A head without a known row has no loss and no gradient. The focal
 * loss gives -log p the factor (1 - p)^γ; an adjustment is added to the logits. A teacher takes a share of it: see
 * `softTargets`. Computed in float64.
 */
export const trainingLoss = (
  logits: Float32Array,
  network: Pick<Network, "classes" | "heads">,
  batch: LabelledBatch,
  options: LossOptions
): { readonly loss: number; readonly gradient: Float32Array } => {
  const width = network.classes
  const { adjustment, focal: gamma = 0 } = options
  const gradient = new Float32Array(logits.length)
  let loss = 0
  for (const targets of targetsOf(network, batch, options)) {
    const { from, head, known, soft, total, weight } = targets
    const addRow = head.kind === "softmax" ? softmaxRow : sigmoidRow
    let sum = 0
    for (const [index, there] of known.entries()) {
      if (there === 0) continue
      const at = index * width + from
      const own = logits.subarray(at, at + head.classes)
      sum = addRow({
        logits: adjustment === undefined ? own : Float64Array.from(own, (x, c) => x + elementAt(adjustment, from + c)),
        targets,
        index,
        gamma,
        before: sum,
        put: (c, value) => {
          gradient[at + c] = (value / total) * weight
        }
      })
    }
    if (hasKnown(targets)) loss += (sum / total) * weight
    if (soft === undefined) continue
    for (const [index, there] of known.entries()) {
      if (there === 0) continue
      const at = index * width + from
      loss += softRow(head, logits.subarray(at, at + head.classes), index, soft, (c, value) => {
        gradient[at + c] = elementAt(gradient, at + c) + value
      })
    }
  }
  return { loss, gradient }
}
