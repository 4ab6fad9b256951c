import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu"
import type * as tf from "@tensorflow/tfjs-core"
import type { Change, Operators, UpdateRule } from "../tfjs/Device.ts"
import type { Run } from "./Program.ts"
import { groupsFor, program, tensorOf } from "./Program.ts"

const threads = 64

/** Values whose squares one workgroup adds up. */
const chunk = 16384

const reduce = (threads: number) => `
    shares[thread] = sum;
    workgroupBarrier();
    for (var span = ${threads / 2}; span > 0; span /= 2) {
      if (thread < span) { shares[thread] += shares[thread + span]; }
      workgroupBarrier();
    }`

const squares = program({
  name: "squares",
  inputs: ["x"],
  arguments: ["count", "at"],
  threads,
  shared: `var<workgroup> shares: array<f32, ${threads}>;`,
  code: `
    let first = group.x * ${chunk};
    var sum = 0.0;
    for (var i = first + thread; i < min(first + ${chunk}, uniforms.count); i += ${threads}) { sum += x[i] * x[i]; }
    ${reduce(threads)}
    if (thread == 0) { result[uniforms.at + group.x] = shares[0]; }`
})

const rootOfSum = program({
  name: "rootOfSum",
  inputs: ["x"],
  arguments: ["count"],
  threads,
  shared: `var<workgroup> shares: array<f32, ${threads}>;`,
  code: `
    var sum = 0.0;
    for (var i = thread; i < uniforms.count; i += ${threads}) { sum += x[i]; }
    ${reduce(threads)}
    if (thread == 0) { result[0] = sqrt(shares[0]); }`
})

/** The gradient as the optimiser takes it: clipped, and with the weight's decay. */
const taken = `
    if (index >= uniforms.count) { return; }
    var g = gradient[index];
    if (uniforms.clipNorm >= 0.0) { g *= min(uniforms.clipNorm / (norm[0] + 1e-6), 1.0); }
    if (uniforms.clipValue >= 0.0) { g = clamp(g, -uniforms.clipValue, uniforms.clipValue); }
    g += uniforms.decay * weight[index];`

const common = ["count", "clipNorm", "clipValue", "decay"]

/** See `sgd` and `adam` in model/optimizer.ts; here in float32, and a slot or a weight at a time. */
const rule = (name: string, slots: ReadonlyArray<string>, factors: ReadonlyArray<string>, value: string) =>
  program({
    name,
    inputs: ["gradient", "weight", "norm", ...slots],
    arguments: [...common, ...factors],
    threads,
    code: `${taken}
    result[index] = ${value};`
  })

const average = rule("average", ["slot"], ["keep", "add"], "uniforms.keep * slot[index] + uniforms.add * g")
const averageOfSquares = rule(
  "averageOfSquares",
  ["slot"],
  ["keep", "add"],
  "uniforms.keep * slot[index] + uniforms.add * g * g"
)
/** In the first step, plain `g`, whatever the slot holds. */
const descend = rule("descend", [], ["rate"], "weight[index] - uniforms.rate * g")
const descendWithMomentum = rule(
  "descendWithMomentum",
  ["slot"],
  ["rate", "ofGradient", "ofSlot"],
  "weight[index] - uniforms.rate * (uniforms.ofGradient * g + uniforms.ofSlot * slot[index])"
)
const adapt = rule(
  "adapt",
  ["mean", "variance"],
  ["rate", "root", "eps", "keep"],
  "uniforms.keep * weight[index] - uniforms.rate * mean[index] / (sqrt(variance[index]) / uniforms.root + uniforms.eps)"
)

type Rule = ReturnType<typeof rule>
type Factors = Readonly<Record<string, number>>
type Apply = (rule: Rule, slots: ReadonlyArray<tf.Tensor>, factors?: Factors) => tf.Tensor

const sgd = (
  { optimizer: { dampening, momentum, nesterov } }: UpdateRule,
  apply: Apply,
  { at, slots: [slot] }: Change
) => {
  const rate = at.learningRate
  if (slot === undefined) return { weight: apply(descend, [], { rate }), slots: [] }
  const first = at.step === 0
  const moved = apply(average, [slot], { keep: first ? 0 : momentum, add: first ? 1 : 1 - dampening })
  const factors = { rate, ofGradient: nesterov ? 1 : 0, ofSlot: nesterov ? momentum : 1 }
  return { weight: apply(descendWithMomentum, [moved], factors), slots: [moved] }
}

const adam = ({ optimizer }: UpdateRule, apply: Apply, { at, slots }: Change) => {
  const { beta1, beta2, eps, kind, weightDecay } = optimizer
  const [mean, variance] = slots as [tf.Tensor, tf.Tensor] // adam keeps both
  const m = apply(average, [mean], { keep: beta1, add: 1 - beta1 })
  const v = apply(averageOfSquares, [variance], { keep: beta2, add: 1 - beta2 })
  const weight = apply(adapt, [m, v], {
    rate: at.learningRate / (1 - beta1 ** (at.step + 1)),
    root: Math.sqrt(1 - beta2 ** (at.step + 1)),
    eps,
    keep: kind === "adamw" ? 1 - at.learningRate * weightDecay : 1
  })
  return { weight, slots: [m, v] }
}

const floats = (factors: Factors) =>
  Object.fromEntries(Object.entries(factors).map(([name, value]) => [name, { f32: value }]))

/** Euclidean norm of all gradients; (1). */
const normOf = (backend: WebGPUBackend, gradients: ReadonlyArray<tf.Tensor>): tf.Tensor => {
  const pieces = gradients.map(({ size }) => Math.ceil(size / chunk))
  const all = pieces.reduce((sum, n) => sum + n, 0)
  const parts = backend.makeTensorInfo([all], "float32")
  let at = 0
  for (const [i, gradient] of gradients.entries()) {
    const run: Run = {
      inputs: [gradient],
      arguments: { count: { i32: gradient.size }, at: { i32: at } },
      shape: [all],
      groups: [pieces[i]!, 1, 1]
    }
    squares(backend, run, parts)
    at += pieces[i]!
  }
  const norm = rootOfSum(backend, {
    inputs: [parts],
    arguments: { count: { i32: all } },
    shape: [1],
    groups: [1, 1, 1]
  })
  backend.disposeData(parts.dataId)
  return tensorOf(norm)
}

/** One step of the optimiser, on the device alone. */
export const updateWith =
  (backend: WebGPUBackend): Operators["update"] =>
  (rule, changes) => {
    const { clipNorm, clipValue, optimizer } = rule
    const norm = normOf(
      backend,
      changes.map(({ gradient }) => gradient)
    )
    const factors = {
      clipNorm: clipNorm ?? -1,
      clipValue: clipValue ?? -1,
      decay: optimizer.kind === "adamw" ? 0 : optimizer.weightDecay
    }
    const after = changes.map((change) => {
      const { gradient, weight } = change
      const apply: Apply = (program, slots, more = {}) =>
        tensorOf(
          program(backend, {
            inputs: [gradient, weight, norm, ...slots],
            arguments: { count: { i32: weight.size }, ...floats({ ...factors, ...more }) },
            shape: weight.shape,
            groups: groupsFor(weight.size, threads)
          })
        )
      return (optimizer.kind === "sgd" ? sgd : adam)(rule, apply, change)
    })
    return { after, norm }
  }
