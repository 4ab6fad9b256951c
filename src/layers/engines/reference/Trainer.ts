import type { Dropout, StochasticDepth } from "../../../model/Block.ts"
import { trainingLoss } from "../../../model/loss.ts"
import { dropoutMask } from "../../../model/dropoutMask.ts"
import type { SessionOptions, SessionState, StepResult } from "../../../model/Engine.ts"
import { modelWeights } from "../../../model/Engine.ts"
import { emaShare, moveAverage } from "../../../model/ema.ts"
import { batchFault, imagesFault, weightsFault } from "../../../model/faults.ts"
import { everChanged, firstTrained, trainedSince } from "../../../model/freezing.ts"
import { clip, emptySlots, update } from "../../../model/optimizer.ts"
import { inputShape, parameters } from "../../../model/shapes.ts"
import type { Tensor, Weights } from "../../../model/Tensor.ts"
import { named } from "../../../model/Tensor.ts"
import type { Batch } from "../../../pipeline/Batch.ts"
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
      ...(options.ema && { average: pick(this.#averaged, options.weights) })
    }
  }

  train(batch: Batch, at: At): StepResult {
    const { clipNorm, clipValue, ema, freezing, network, optimizer, seed } = this.#options
    const { average, weights } = this.#state
    const { slots, step } = this.#state.optimizer
    refuse(batchFault(network, batch))
    const gradients = new Map<string, Float32Array>()
    const mask = ({ name, rate }: typeof Dropout.Type | typeof StochasticDepth.Type, length: number) =>
      dropoutMask({ seed, step: at.step, block: name, rate }, length)
    const frozen = firstTrained(freezing, step)
    const input = this.#forward(batch, frozen, weights)
    const batchStatistics = freezing?.keepStatistics !== true
    const pass = { training: true, batchStatistics, weights, gradients, mask }
    const { backward, output } = applyAll(network.blocks.slice(frozen), input, pass)
    const { gradient, loss } = trainingLoss(output.data, network, batch, this.#options)
    backward(gradient)
    const gradientNorm = clip(gradients, clipNorm, clipValue)
    // The optimiser counts its own steps: its corrections begin anew with every session, the run's `step` does not.
    update(optimizer, weights, gradients, slots, (name) => ({
      step: step - named(this.#since, name),
      learningRate: at.learningRate * (freezing?.rates.get(name) ?? 1)
    }))
    const share = ema === undefined ? 0 : emaShare(ema, step)
    if (share > 0) for (const [name, { data }] of average ?? []) moveAverage(data, named(weights, name).data, share)
    this.#state = { ...this.#state, optimizer: { slots, step: step + 1 } }
    return { loss, logits: output.data, gradientNorm }
  }

  predict(batch: Batch): Float32Array {
    refuse(imagesFault(this.#options.network, batch))
    return this.#forward(batch, this.#options.network.blocks.length, modelWeights(this.#whole(this.#state))).data
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
      ...(this.#options.ema && { average: pick(this.#averaged, average) })
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
