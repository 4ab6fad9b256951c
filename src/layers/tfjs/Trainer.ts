import * as tf from "@tensorflow/tfjs-core"
import type { SessionOptions, SessionState } from "../../model/Engine.ts"
import { batchFault, imagesFault, weightsFault } from "../../model/faults.ts"
import { emptySlots, slotKinds } from "../../model/optimizer.ts"
import type { Parameter } from "../../model/shapes.ts"
import { parameters } from "../../model/shapes.ts"
import type { Weights } from "../../model/Tensor.ts"
import type { Batch } from "../../pipeline/Batch.ts"
import { draw } from "../../pipeline/draw.ts"
import { applyAll } from "./apply.ts"
import type { Device } from "./Device.ts"
import { use } from "./Device.ts"
import { intoBackend, outOfBackend } from "./layout.ts"
import type { Pass } from "./Pass.ts"
import { targetsOf } from "./targets.ts"

type Named = Pick<Parameter, "name" | "shape">

const refuse = (fault: string | undefined): void => {
  if (fault !== undefined) throw new Error(fault)
}

const pick = (names: ReadonlyArray<Named>, weights: Weights): Map<string, tf.Tensor> =>
  new Map(names.map(({ name }) => [name, tf.keep(intoBackend(weights.get(name)!))]))

const images = ({ height, images, size, width }: Batch) => tf.tensor4d(images, [size, height, width, 3])

/** A network with its weights and its optimiser's slots in a backend. Throws an Error that says what does not fit. */
export class Trainer {
  readonly #device: Device
  readonly #options: SessionOptions
  readonly #parameters: ReadonlyArray<Parameter>
  readonly #slotNames: ReadonlyArray<Named>
  #weights = new Map<string, tf.Tensor>()
  #slots = new Map<string, tf.Tensor>()
  #step = 0

  constructor(device: Device, options: SessionOptions) {
    this.#device = device
    this.#options = options
    this.#parameters = parameters(options.network)
    const slots = emptySlots(options.optimizer, this.#parameters)
    this.#slotNames = [...slots].map(([name, { shape }]) => ({ name, shape }))
    this.restore({ weights: options.weights, optimizer: { step: 0, slots } })
  }

  /** One step; the logits and the gradients' norm are the caller's to dispose of. */
  train(batch: Batch, at: { readonly step: number; readonly learningRate: number }): [tf.Tensor, tf.Tensor] {
    const { classWeights, labelSmoothing, network, seed } = this.#options
    const { operators } = this.#device
    refuse(batchFault(network, batch))
    use(this.#device)
    return tf.tidy(() => {
      const pass = this.#pass(true, (block) => draw(seed, at.step, "dropout", block))
      const { backward, output } = applyAll(network.blocks, images(batch), pass)
      const { classes } = network
      const { sums, targets } = targetsOf(batch.labels, { classes, classWeights, labelSmoothing })
      const logits = output as tf.Tensor2D // the last block's shape was checked
      const expected = tf.mul(tf.softmax(logits), tf.tensor2d(sums, [batch.size, 1]))
      backward(tf.sub(expected, tf.tensor2d(targets, [batch.size, classes])), false)
      const names = [...pass.gradients.keys()]
      const kinds = slotKinds(this.#options.optimizer)
      const changes = names.map((name) => ({
        weight: this.#weights.get(name)!, // there is a gradient for it
        gradient: pass.gradients.get(name)!,
        slots: kinds.map((kind) => this.#slots.get(`${kind}.${name}`)!)
      }))
      // The optimiser counts its own steps: its corrections begin anew with every session, the run's `step` does not.
      const { after, norm } = operators.update(this.#options, changes, {
        step: this.#step,
        learningRate: at.learningRate
      })
      for (const [i, { slots, weight }] of after.entries()) {
        this.#replace(this.#weights, names[i]!, weight)
        for (const [k, kind] of kinds.entries()) this.#replace(this.#slots, `${kind}.${names[i]}`, slots[k]!)
      }
      for (const [name, figure] of pass.running) this.#replace(this.#weights, name, figure)
      this.#step++
      return [logits, norm]
    })
  }

  /** Logits in inference mode; the caller's to dispose of. */
  predict(batch: Batch): tf.Tensor {
    refuse(imagesFault(this.#options.network, batch))
    use(this.#device)
    return tf.tidy(() => {
      const pass = this.#pass(false, () => draw("nothing is drawn in inference"))
      return applyAll(this.#options.network.blocks, images(batch), pass).output
    })
  }

  async snapshot(): Promise<SessionState> {
    use(this.#device)
    const step = this.#step
    const read = async (names: ReadonlyArray<Named>, tensors: ReadonlyMap<string, tf.Tensor>): Promise<Weights> =>
      new Map(
        await Promise.all(
          names.map(async ({ name, shape }) => {
            const data = await tensors.get(name)!.data<"float32">()
            return [name, outOfBackend(data, shape)] as const
          })
        )
      )
    const [weights, slots] = await Promise.all([
      read(this.#parameters, this.#weights),
      read(this.#slotNames, this.#slots)
    ])
    return { weights, optimizer: { step, slots } }
  }

  restore({ optimizer, weights }: SessionState): void {
    refuse(weightsFault(this.#parameters, weights) ?? weightsFault(this.#slotNames, optimizer.slots))
    this.dispose()
    use(this.#device)
    this.#weights = pick(this.#parameters, weights)
    this.#slots = pick(this.#slotNames, optimizer.slots)
    this.#step = optimizer.step
  }

  /** Frees every tensor. */
  dispose(): void {
    for (const tensors of [this.#weights, this.#slots]) {
      for (const tensor of tensors.values()) tensor.dispose()
      tensors.clear()
    }
  }

  #pass(training: boolean, random: Pass["random"]): Pass {
    const { operators, pieceAt } = this.#device
    return { training, operators, pieceAt, weights: this.#weights, gradients: new Map(), running: new Map(), random }
  }

  #replace(tensors: Map<string, tf.Tensor>, name: string, after: tf.Tensor): void {
    const before = tensors.get(name)!
    if (after === before) return
    tensors.set(name, tf.keep(after))
    before.dispose()
  }
}
