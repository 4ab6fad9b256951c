import { crossEntropy } from "../../model/crossEntropy.ts"
import type { SessionOptions, SessionState, StepResult } from "../../model/Engine.ts"
import { batchFault, imagesFault, weightsFault } from "../../model/faults.ts"
import { clip, emptySlots, update } from "../../model/optimizer.ts"
import { parameters } from "../../model/shapes.ts"
import type { Weights } from "../../model/Tensor.ts"
import type { Batch } from "../../pipeline/Batch.ts"
import { draw } from "../../pipeline/draw.ts"
import { applyAll } from "./apply.ts"
import type { Pass } from "./Pass.ts"

const copy = (weights: Weights): Weights =>
  new Map([...weights].map(([name, { data, shape }]) => [name, { shape, data: data.slice() }]))

/** Copies of the named tensors, out of weights that have them all. */
const pick = (names: ReadonlyArray<{ readonly name: string }>, weights: Weights): Weights =>
  copy(new Map(names.map(({ name }) => [name, weights.get(name)!])))

const refuse = (fault: string | undefined): void => {
  if (fault !== undefined) throw new Error(fault)
}

/** A network with its weights and its optimiser's slots, in plain arrays. Throws an Error that says what does not fit. */
export class Trainer {
  readonly #options: SessionOptions
  #state: SessionState

  constructor(options: SessionOptions) {
    const all = parameters(options.network)
    refuse(weightsFault(all, options.weights))
    this.#options = options
    this.#state = {
      weights: pick(all, options.weights),
      optimizer: { step: 0, slots: emptySlots(options.optimizer, all) }
    }
  }

  train(batch: Batch, at: { readonly step: number; readonly learningRate: number }): StepResult {
    const { clipNorm, clipValue, network, optimizer, seed } = this.#options
    const { weights } = this.#state
    const { slots, step } = this.#state.optimizer
    refuse(batchFault(network, batch))
    const gradients = new Map<string, Float32Array>()
    const random = (block: string) => draw(seed, at.step, "dropout", block)
    const { backward, output } = this.#forward(batch, { training: true, weights, gradients, random })
    const { gradient, loss } = crossEntropy(output.data, batch.labels, { ...this.#options, classes: network.classes })
    backward(gradient)
    const gradientNorm = clip(gradients, clipNorm, clipValue)
    // The optimiser counts its own steps: its corrections begin anew with every session, the run's `step` does not.
    update(optimizer, weights, gradients, slots, { step, learningRate: at.learningRate })
    this.#state = { weights, optimizer: { slots, step: step + 1 } }
    return { loss, logits: output.data, gradientNorm }
  }

  predict(batch: Batch): Float32Array {
    refuse(imagesFault(this.#options.network, batch))
    const random = () => draw("nothing is drawn in inference")
    return this.#forward(batch, { training: false, weights: this.#state.weights, gradients: new Map(), random }).output
      .data
  }

  snapshot(): SessionState {
    const { optimizer, weights } = this.#state
    return { weights: copy(weights), optimizer: { step: optimizer.step, slots: copy(optimizer.slots) } }
  }

  restore({ optimizer, weights }: SessionState): void {
    const all = parameters(this.#options.network)
    const slots = [...emptySlots(this.#options.optimizer, all)].map(([name, { shape }]) => ({ name, shape }))
    refuse(weightsFault(all, weights) ?? weightsFault(slots, optimizer.slots))
    this.#state = {
      weights: pick(all, weights),
      optimizer: { step: optimizer.step, slots: pick(slots, optimizer.slots) }
    }
  }

  #forward({ height, images, size, width }: Batch, pass: Pass) {
    return applyAll(this.#options.network.blocks, { shape: [size, height, width, 3], data: images }, pass)
  }
}
