import * as tf from "@tensorflow/tfjs-core"
import { dropoutMask } from "../../../model/dropoutMask.ts"
import type { SessionOptions, SessionState } from "../../../model/Engine.ts"
import { averageShare } from "../../../model/average.ts"
import { batchFault, imagesFault, weightsFault } from "../../../model/faults.ts"
import { everChanged, firstTrained, trainedSince } from "../../../model/freezing.ts"
import type { Network } from "../../../model/Network.ts"
import { emptySlots, slotKinds } from "../../../model/optimizer.ts"
import type { Parameter } from "../../../model/shapes.ts"
import { inputShape, parameters } from "../../../model/shapes.ts"
import type { Weights } from "../../../model/Tensor.ts"
import { named } from "../../../model/Tensor.ts"
import { withMomentum } from "../../../model/withMomentum.ts"
import type { Batch } from "../../../pipeline/Batch.ts"
import { applyAll } from "./apply.ts"
import type { Device } from "./Device.ts"
import { use } from "./Device.ts"
import { intoBackend, outOfBackend } from "./layout.ts"
import { lossGradient } from "./lossGradient.ts"
import type { Pass } from "./Pass.ts"

type Named = Pick<Parameter, "name" | "shape">

const refuse = (fault: string | undefined): void => {
  if (fault !== undefined) throw new Error(fault)
}

const pick = (names: ReadonlyArray<Named>, weights: Weights): Map<string, tf.Tensor> =>
  new Map(names.map(({ name }) => [name, tf.keep(intoBackend(named(weights, name)))]))

const images = (network: Network, { images, size }: Batch) => tf.tensor4d(images, [size, ...inputShape(network)])

/** A network with its weights and its optimiser's slots in a backend. Throws an Error that says what does not fit. */
export class Trainer {
  readonly #device: Device
  readonly #options: SessionOptions
  readonly #parameters: ReadonlyArray<Parameter>
  /** The weights that are ever trained, and from which step on. */
  readonly #since: ReadonlyMap<string, number>
  readonly #slotNames: ReadonlyArray<Named>
  /** What an average is kept of; none without one. The rest stays what it began as. */
  readonly #averaged: ReadonlyArray<Parameter>
  #weights = new Map<string, tf.Tensor>()
  #slots = new Map<string, tf.Tensor>()
  /** Empty where none is kept. */
  #average = new Map<string, tf.Tensor>()
  #step = 0

  constructor(device: Device, options: SessionOptions) {
    this.#device = device
    this.#options = options
    this.#parameters = parameters(options.network)
    this.#since = trainedSince(options.network, options.freezing)
    const trained = this.#parameters.filter(({ name }) => this.#since.has(name))
    const changed = everChanged(options.network, options.freezing)
    this.#averaged = options.average ? this.#parameters.filter(({ name }) => changed.has(name)) : []
    const slots = emptySlots(options.optimizer, trained)
    this.#slotNames = [...slots].map(([name, { shape }]) => ({ name, shape }))
    this.restore({ weights: options.weights, optimizer: { step: 0, slots } })
  }

  /** One step; the logits and the gradients' norm are the caller's to dispose of. */
  train(batch: Batch, at: { readonly step: number; readonly learningRate: number }): [tf.Tensor, tf.Tensor] {
    const { freezing, network } = this.#options
    const { operators } = this.#device
    refuse(batchFault(network, batch, this.#options.teacher))
    use(this.#device)
    return tf.tidy(() => {
      const frozen = firstTrained(freezing, this.#step)
      const input = this.#infer(batch, frozen, this.#weights)
      const pass = this.#learning(at.step, this.#weights)
      const { backward, output } = applyAll(network.blocks.slice(frozen), input, pass)
      const logits = output as tf.Tensor2D // the last block's shape was checked
      backward(lossGradient(logits, network, batch, this.#options), false)
      const kinds = slotKinds(this.#options.optimizer)
      const changes = [...pass.gradients].map(([name, gradient]) => ({
        name,
        weight: named(this.#weights, name),
        gradient,
        slots: Object.fromEntries(kinds.map((kind) => [kind, named(this.#slots, `${kind}.${name}`)])),
        at: {
          // The optimiser counts its own steps: its corrections begin anew with every session, the run's `step` does not.
          step: this.#step - named(this.#since, name),
          learningRate: at.learningRate * (freezing?.rates.get(name) ?? 1)
        }
      }))
      const { after, norm } = operators.update(this.#options, changes)
      for (const { name, slots, weight } of after) {
        this.#replace(this.#weights, name, weight)
        for (const [kind, slot] of Object.entries(slots)) this.#replace(this.#slots, `${kind}.${name}`, slot)
      }
      for (const [name, statistic] of pass.running) this.#replace(this.#weights, name, statistic)
      this.#moveAverage()
      this.#step++
      return [logits, norm]
    })
  }

  /** Logits in inference mode; the caller's to dispose of. */
  predict(batch: Batch): tf.Tensor {
    refuse(imagesFault(this.#options.network, batch))
    use(this.#device)
    const weights = new Map([...this.#weights, ...this.#average])
    return this.#infer(batch, this.#options.network.blocks.length, weights)
  }

  /** Moves the running statistics of the average, or of the weights, to a batch's. */
  moveStatistics(batch: Batch, { share, step }: { readonly share: number; readonly step: number }): void {
    const { average, freezing, network } = this.#options
    refuse(imagesFault(network, batch))
    use(this.#device)
    tf.tidy(() => {
      const frozen = firstTrained(freezing, this.#step)
      const weights = new Map([...this.#weights, ...this.#average])
      const pass = this.#learning(step, weights)
      applyAll(withMomentum(network.blocks.slice(frozen), share), this.#infer(batch, frozen, weights), pass)
      for (const [name, statistic] of pass.running)
        this.#replace(average === undefined ? this.#weights : this.#average, name, statistic)
    })
  }

  async snapshot(): Promise<SessionState> {
    use(this.#device)
    const step = this.#step
    const read = async (names: ReadonlyArray<Named>, tensors: ReadonlyMap<string, tf.Tensor>): Promise<Weights> =>
      new Map(
        await Promise.all(
          names.map(async ({ name, shape }) => {
            const data = await named(tensors, name).data<"float32">()
            return [name, outOfBackend(data, shape)] as const
          })
        )
      )
    const [weights, slots, average] = await Promise.all([
      read(this.#parameters, this.#weights),
      read(this.#slotNames, this.#slots),
      read(this.#averaged, this.#average)
    ])
    return {
      weights,
      optimizer: { step, slots },
      ...(this.#options.average && { average: new Map([...weights, ...average]) })
    }
  }

  restore({ optimizer, weights, average = weights }: SessionState): void {
    refuse(
      weightsFault(this.#parameters, weights) ??
        weightsFault(this.#parameters, average) ??
        weightsFault(this.#slotNames, optimizer.slots)
    )
    this.dispose()
    use(this.#device)
    this.#weights = pick(this.#parameters, weights)
    this.#slots = pick(this.#slotNames, optimizer.slots)
    this.#average = pick(this.#averaged, average)
    this.#step = optimizer.step
  }

  /** Frees every tensor. */
  dispose(): void {
    for (const tensors of [this.#weights, this.#slots, this.#average]) {
      for (const tensor of tensors.values()) tensor.dispose()
      tensors.clear()
    }
  }

  /** The first `length` blocks in inference mode: what is between them is let go. */
  #infer(batch: Batch, length: number, weights: Pass["weights"]): tf.Tensor {
    const { network } = this.#options
    return tf.tidy(() => {
      const pass = { ...this.#inference(), weights }
      return applyAll(network.blocks.slice(0, length), images(network, batch), pass).output
    })
  }

  #inference(): Pass {
    const { fusedAt } = this.#device
    return {
      training: false,
      batchStatistics: false,
      fusedAt,
      weights: this.#weights,
      gradients: new Map(),
      running: new Map(),
      mask: (_, length) => new Float32Array(length).fill(1)
    }
  }

  /** A pass in training mode, with a step's dropout. */
  #learning(step: number, weights: ReadonlyMap<string, tf.Tensor>): Pass {
    const { freezing, seed } = this.#options
    return {
      ...this.#inference(),
      weights,
      training: true,
      batchStatistics: freezing?.keepStatistics !== true,
      mask: ({ name, rate }, length) => dropoutMask({ seed, step, block: name, rate }, length)
    }
  }

  /** After the step's update, in the steps in which the average moves. */
  #moveAverage(): void {
    const { average } = this.#options
    const share = average === undefined ? 0 : averageShare(average, this.#step)
    if (share === 0) return
    const pairs = [...this.#average].map(([name, average]) => ({
      name,
      average,
      weight: named(this.#weights, name)
    }))
    for (const { average, name } of this.#device.operators.average(pairs, share))
      this.#replace(this.#average, name, average)
  }

  #replace(tensors: Map<string, tf.Tensor>, name: string, after: tf.Tensor): void {
    const before = named(tensors, name)
    if (after === before) return
    tensors.set(name, tf.keep(after))
    before.dispose()
  }
}
