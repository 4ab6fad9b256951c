import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu"
import type * as tf from "@tensorflow/tfjs-core"
import { ruleOf, rules, stepScalars } from "../../../model/optimizers.ts"
import type { Rule } from "../../../model/optimizers/Optimizer.ts"
import type { Language } from "../../../model/ruleProgram.ts"
import { ruleText } from "../../../model/ruleProgram.ts"
import type { WeightOperators } from "../tfjs/Operators.ts"
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

/** The gradient as the optimiser takes it: clipped. */
const taken = `
    if (index >= uniforms.count) { return; }
    var gradient = gradients[index];
    if (uniforms.clipNorm >= 0.0) { gradient *= min(uniforms.clipNorm / (norm[0] + 1e-6), 1.0); }
    if (uniforms.clipValue >= 0.0) { gradient = clamp(gradient, -uniforms.clipValue, uniforms.clipValue); }`

const wgsl: Language = {
  constant: (name, value) => `let ${name} = ${value};`,
  sqrt: (a) => `sqrt(${a})`,
  sign: (a) => `sign(${a})`
}

/** The programs of a rule, in float32: one for the weight and one for each slot, each from what they all were before. */
const programsOf = (rule: Rule) => {
  const scalars: ReadonlyArray<string> = rule.scalars
  const { after, lines } = ruleText(rule, wgsl, (name) =>
    name === "gradient" ? name : scalars.includes(name) ? `uniforms.${name}` : `${name}s[index]`
  )
  const inputs = ["gradients", "weights", "norm", ...rule.slots.map((slot) => `${slot}s`)]
  const programFor = (part: string) =>
    program<string>({
      name: `${rule.name} ${part}`,
      inputs,
      arguments: ["count", "clipNorm", "clipValue", ...scalars],
      threads,
      // A program is bound to all its inputs, and those that its code does not name are not there.
      code: `${inputs.map((name) => `_ = &${name};`).join(" ")}
    ${taken}
    ${lines.join("\n    ")}
    result[index] = ${after[part]};`
    })
  return { weight: programFor("weight"), slots: rule.slots.map((kind) => ({ kind, program: programFor(kind) })) }
}

const programs = new Map(rules.map((rule) => [rule, programsOf(rule)]))

/** Euclidean norm of all gradients; (1). */
const normOf = (backend: WebGPUBackend, gradients: ReadonlyArray<tf.Tensor>): tf.Tensor => {
  const piecesOf = ({ size }: tf.Tensor) => Math.ceil(size / chunk)
  const all = gradients.reduce((sum, gradient) => sum + piecesOf(gradient), 0)
  const parts = backend.makeTensorInfo([all], "float32")
  let at = 0
  for (const gradient of gradients) {
    const pieces = piecesOf(gradient)
    squares(
      backend,
      {
        inputs: [gradient],
        arguments: { count: { i32: gradient.size }, at: { i32: at } },
        shape: [all],
        groups: [pieces, 1, 1]
      },
      parts
    )
    at += pieces
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
  (backend: WebGPUBackend): WeightOperators["update"] =>
  ({ clipNorm, clipValue, optimizer }, changes) => {
    const norm = normOf(
      backend,
      changes.map(({ gradient }) => gradient)
    )
    const rule = ruleOf(optimizer)
    const { slots: slotPrograms, weight: weightProgram } = programs.get(rule) ?? programsOf(rule)
    const after = changes.map(({ at, gradient, name, slots, weight }) => {
      const numbers = { clipNorm: clipNorm ?? -1, clipValue: clipValue ?? -1, ...stepScalars(optimizer, at) }
      const run: Run<string> = {
        inputs: [gradient, weight, norm, ...Object.values(slots)],
        arguments: {
          count: { i32: weight.size },
          ...Object.fromEntries(Object.entries(numbers).map(([name, f32]) => [name, { f32 }]))
        },
        shape: weight.shape,
        groups: groupsFor(weight.size, threads)
      }
      return {
        name,
        weight: tensorOf(weightProgram(backend, run)),
        slots: Object.fromEntries(slotPrograms.map(({ kind, program }) => [kind, tensorOf(program(backend, run))]))
      }
    })
    return { after, norm }
  }
