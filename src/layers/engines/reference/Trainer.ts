import { trainingLoss } from "../../../model/loss.ts"
import { dropoutMask } from "../../../model/dropoutMask.ts"
import type { SessionOptions, SessionState, StepResult } from "../../../model/Engine.ts"
import { modelWeights } from "../../../model/Engine.ts"
import { averageShare, moveAverage } from "../../../model/average.ts"
import { batchFault, imagesFault, weightsFault } from "../../../model/faults.ts"
import { everChanged, firstTrained, trainedSince } from "../../../model/freezing.ts"
import { clip, emptySlots, update } from "../../../model/optimizer.ts"
import { inputShape, parameters } from "../../../model/shapes.ts"
import type { Tensor, Weights } from "../../../model/Tensor.ts"
import { named } from "../../../model/Tensor.ts"
import { withMomentum } from "../../../model/withMomentum.ts"
import type { Batch } from "../../../pipeline/Batch.ts"
import type { Pass } from "./Pass.ts"
import { applyAll } from "./apply.ts"

const copy = (weights: Weights): Weights =>
  new Map([...weights].map(([name, { data, shape }]) => [name, { shape, data: data.slice() }]))

/** Copies of the named tensors, out of weights that have them all. */
const pick = (names: ReadonlyArray<{ readonly name: string }>, weights: Weights): Weights =>
  copy(new Map(names.map(({ name }) => [name, named(weights, name)])))

type At = { readonly step: number; readonly learningRate: number }

const refuse = (fault: string | undefined): void => {
  if (fault !== undefined) throw new Error(fault)
}

/** A network with its weights and its optimiser's slots, in plain arrays. Throws an Error that says what does not fit. */
export class Trainer {
  readonly #options: SessionOptions
  /** The weights that are ever trained, and from which step on. */
  readonly #since: ReadonlyMap<string, number>
  /** What an average is kept of: where there is one, the rest is what it began as. */
  readonly #averaged: ReadonlyArray<{ readonly name: string }>
  /** Its average lacks what never changes. */
  #state: SessionState

  constructor(options: SessionOptions) {
    const all = parameters(options.network)
    refuse(weightsFault(all, options.weights))
    this.#options = options
    this.#since = trainedSince(options.network, options.freezing)
    const changed = everChanged(options.network, options.freezing)
    this.#averaged = all.filter(({ name }) => changed.has(name))
    this.#state = {
      weights: pick(all, options.weights),
      optimizer: { step: 0, slots: this.#emptySlots() },
      ...(options.average && { average: pick(this.#averaged, options.weights) })
    }
  }

  train(batch: Batch, at: At): StepResult {
    const { average: averaging, clipNorm, clipValue, freezing, network, optimizer } = this.#options
    const { average, weights } = this.#state
    const { slots, step } = this.#state.optimizer
    refuse(batchFault(network, batch, this.#options.teacher))
    const gradients = new Map<string, Float32Array>()
    const frozen = firstTrained(freezing, step)
    const input = this.#forward(batch, frozen, weights)
    const pass = { ...this.#learning(at.step, weights), gradients }
    const { backward, output } = applyAll(network.blocks.slice(frozen), input, pass)
    const { gradient, loss } = trainingLoss(output.data, network, batch, this.#options)
    backward(gradient)
    const gradientNorm = clip(gradients, clipNorm, clipValue)
    // The optimiser counts its own steps: its corrections begin anew with every session, the run's `step` does not.
    update(optimizer, weights, gradients, slots, (name) => ({
      step: step - named(this.#since, name),
      learningRate: at.learningRate * (freezing?.rates.get(name) ?? 1)
    }))
    const share = averaging === undefined ? 0 : averageShare(averaging, step)
    if (share > 0) for (const [name, { data }] of average ?? []) moveAverage(data, named(weights, name).data, share)
    this.#state = { ...this.#state, optimizer: { slots, step: step + 1 } }
    return { loss, logits: output.data, gradientNorm }
  }

  predict(batch: Batch): Float32Array {
    refuse(imagesFault(this.#options.network, batch))
    return this.#forward(batch, this.#options.network.blocks.length, modelWeights(this.#whole(this.#state))).data
  }

  /** Moves the running statistics of the average, or of the weights, to a batch's. */
  moveStatistics(batch: Batch, { share, step }: { readonly share: number; readonly step: number }): void {
    const { freezing, network } = this.#options
    refuse(imagesFault(network, batch))
    // The average's own tensors, which the pass changes in place.
    const weights = modelWeights(this.#whole(this.#state))
    const frozen = firstTrained(freezing, this.#state.optimizer.step)
    const input = this.#forward(batch, frozen, weights)
    applyAll(withMomentum(network.blocks.slice(frozen), share), input, this.#learning(step, weights))
  }

  /** A pass in training mode, with a step's dropout. */
  #learning(step: number, weights: Weights): Pass {
    const { freezing, seed } = this.#options
    return {
      training: true,
      batchStatistics: freezing?.keepStatistics !== true,
      weights,
      gradients: new Map(),
      mask: ({ name, rate }, length) => dropoutMask({ seed, step, block: name, rate }, length)
    }
  }

  snapshot(): SessionState {
    const { average, optimizer, weights } = this.#state
    return this.#whole({
      weights: copy(weights),
      optimizer: { step: optimizer.step, slots: copy(optimizer.slots) },
      ...(average && { average: copy(average) })
    })
  }

  restore({ optimizer, weights, average = weights }: SessionState): void {
    const all = parameters(this.#options.network)
    const slots = [...this.#emptySlots()].map(([name, { shape }]) => ({ name, shape }))
    refuse(weightsFault(all, weights) ?? weightsFault(all, average) ?? weightsFault(slots, optimizer.slots))
    this.#state = {
      weights: pick(all, weights),
      optimizer: { step: optimizer.step, slots: pick(slots, optimizer.slots) },
      ...(this.#options.average && { average: pick(this.#averaged, average) })
    }
  }

  /** With an average of all weights, where there is one. */
  #whole({ average, ...state }: SessionState): SessionState {
    return { ...state, ...(average && { average: new Map([...state.weights, ...average]) }) }
  }

  /** The first `length` blocks in inference mode. */
  #forward({ images, size }: Batch, length: number, weights: Weights): Tensor {
    const { network } = this.#options
    const mask = (_: unknown, length: number) => new Float32Array(length).fill(1)
    const pass = { training: false, batchStatistics: false, weights, gradients: new Map(), mask }
    const input = { shape: [size, ...inputShape(network)], data: images }
    return applyAll(network.blocks.slice(0, length), input, pass).output
  }

  #emptySlots(): Weights {
    const trained = parameters(this.#options.network).filter(({ name }) => this.#since.has(name))
    return emptySlots(this.#options.optimizer, trained)
  }
}
