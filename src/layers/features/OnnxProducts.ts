import { Effect, Layer, Scope } from "effect"
import type { InferenceSession } from "onnxruntime-node"
import type { Labelled, Linear, Matrix, Transposed } from "../../model/baseline/Products.ts"
import { Products, ProductsError } from "../../model/baseline/Products.ts"
import { elementTypes, OnnxGraph } from "../../model/onnx/OnnxGraph.ts"
import { messageOf } from "../../pipeline/messageOf.ts"
import { processorThreads } from "../machine/processorThreads.ts"
import { loadOnnxruntime } from "./loadOnnxruntime.ts"

const productGraph = (transposed: Transposed) => {
  const graph = new OnnxGraph()
  const inputs = [graph.input("a", ["rows", "inner"]), graph.input("b", ["inner2", "columns"])]
  const product = graph.node("Gemm", "product", inputs, {
    transA: transposed === "first" ? 1 : 0,
    transB: transposed === "second" ? 1 : 0
  })
  graph.output(product, "c", ["rows2", "columns2"])
  return graph.encode("product")
}

/** Sums over the rows, and each row's share of the loss, so that the loss can be summed in double precision. */
const lossGraph = () => {
  const graph = new OnnxGraph()
  const features = graph.input("features", ["rows", "size"])
  const weights = graph.input("weights", ["size2", "classes"])
  const bias = graph.input("bias", ["classes2"])
  const labels = graph.input("labels", ["rows2", 1])
  const indexes = graph.input("indexes", [1, "classes3"])
  const axis = (index: number) => graph.constant("axis", [1], BigInt64Array.of(BigInt(index)))
  const sum = (name: string, value: string, over: number) =>
    graph.node("ReduceSum", name, [value, axis(over)], { keepdims: 0 })
  const logits = graph.node("Gemm", "logits", [features, weights, bias])
  const logs = graph.node("LogSoftmax", "logs", [logits], { axis: 1 })
  const isOwn = graph.node("Equal", "own", [labels, indexes])
  const own = graph.node("Cast", "own", [isOwn], { to: elementTypes.float32 })
  const p = graph.node("Exp", "p", [logs])
  const square = graph.node("Mul", "square", [p, p])
  const apart = graph.node("Sub", "apart", [p, own])
  graph.output(sum("loss", graph.node("Mul", "ownLog", [logs, own]), 1), "logs", ["rows3"])
  graph.output(graph.node("Gemm", "byWeights", [features, apart], { transA: 1 }), "byWeights", ["size3", "classes4"])
  graph.output(sum("byBias", apart, 0), "byBias", ["classes5"])
  graph.output(sum("spread", graph.node("Sub", "spread", [p, square]), 0), "spread", ["classes6"])
  return graph.encode("softmax loss")
}

const largestGraph = (count: number) => {
  const graph = new OnnxGraph()
  const inputs = [graph.input("a", ["rows", "inner"]), graph.input("b", ["others", "inner2"])]
  const products = graph.node("Gemm", "products", inputs, { transB: 1 })
  const most = graph.constant("count", [1], BigInt64Array.of(BigInt(count)))
  const [values, indexes] = graph.pair("TopK", "largest", [products, most], { axis: 1 })
  graph.output(values, "values", ["rows2", "count"])
  // Exact up to 2^24 rows.
  graph.output(graph.node("Cast", "indexes", [indexes], { to: elementTypes.float32 }), "indexes", ["rows3", "count2"])
  return graph.encode("largest products")
}

const failed = (cause: unknown) => new ProductsError({ reason: "failed", detail: messageOf(cause), cause })

/** Products by onnxruntime, whose sessions are opened when they are first needed. */
export const layer = Layer.effect(
  Products,
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const sessions = new Map<string, InferenceSession>()
    const load = Effect.mapError(
      loadOnnxruntime,
      ({ cause, detail }) => new ProductsError({ reason: "unavailable", detail, cause })
    )
    const sessionOf = Effect.fnUntraced(function* (name: string, graph: () => Uint8Array) {
      const there = sessions.get(name)
      if (there !== undefined) return there
      const { InferenceSession } = yield* load
      const opened = yield* Effect.acquireRelease(
        Effect.tryPromise({
          try: () =>
            InferenceSession.create(graph(), {
              executionProviders: ["cpu"],
              intraOpNumThreads: processorThreads(),
              interOpNumThreads: 1,
              logSeverityLevel: 3
            }),
          catch: failed
        }),
        (session) => Effect.promise(() => session.release())
      ).pipe(Effect.provideService(Scope.Scope, scope))
      sessions.set(name, opened)
      return opened
    })
    /** Runs a graph, whose inputs and outputs are all float32. */
    const run = Effect.fnUntraced(function* (
      session: InferenceSession,
      inputs: Readonly<Record<string, readonly [data: Float32Array, ...dimensions: ReadonlyArray<number>]>>
    ) {
      const { Tensor } = yield* load
      const feeds = Object.fromEntries(
        Object.entries(inputs).map(([name, [data, ...dimensions]]) => [name, new Tensor("float32", data, dimensions)])
      )
      const outputs = yield* Effect.tryPromise({ try: () => session.run(feeds), catch: failed })
      // Every output is declared in its graph, as float32.
      return (name: string) => outputs[name]!.data as Float32Array
    })
    return {
      multiply: Effect.fnUntraced(function* (a: Matrix, b: Matrix, transposed: Transposed = "neither") {
        const session = yield* sessionOf(transposed, () => productGraph(transposed))
        const output = yield* run(session, { a: [a.data, a.rows, a.columns], b: [b.data, b.rows, b.columns] })
        return {
          rows: transposed === "first" ? a.columns : a.rows,
          columns: transposed === "second" ? b.rows : b.columns,
          data: output("c")
        }
      }),
      softmaxLoss: Effect.fnUntraced(function* ({ features, labels }: Labelled, { bias, weights }: Linear) {
        const session = yield* sessionOf("softmax loss", lossGraph)
        const rows = labels.length
        const output = yield* run(session, {
          features: [features.data, rows, features.columns],
          weights: [weights.data, weights.rows, weights.columns],
          bias: [bias, bias.length],
          labels: [Float32Array.from(labels), rows, 1],
          indexes: [Float32Array.from(bias.keys()), 1, bias.length]
        })
        const mean = (sum: number) => sum / rows
        return {
          loss: -output("logs").reduce((sum, log) => sum + log, 0) / rows,
          gradient: { weights: { ...weights, data: output("byWeights").map(mean) }, bias: output("byBias").map(mean) },
          spread: Float64Array.from(output("spread"), mean)
        }
      }),
      largest: Effect.fnUntraced(function* (a: Matrix, b: Matrix, most: number) {
        const count = Math.min(most, b.rows)
        const session = yield* sessionOf(`largest ${count}`, () => largestGraph(count))
        const output = yield* run(session, { a: [a.data, a.rows, a.columns], b: [b.data, b.rows, b.columns] })
        return { count, indexes: Int32Array.from(output("indexes")), values: output("values") }
      })
    }
  })
)
