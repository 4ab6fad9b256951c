import { Effect, Layer, Scope } from "effect"
import type { InferenceSession } from "onnxruntime-node"
import type { Matrix, Transposed } from "../../model/baseline/Products.ts"
import { Products, ProductsError } from "../../model/baseline/Products.ts"
import { OnnxGraph } from "../../model/onnx/OnnxGraph.ts"
import { messageOf } from "../../pipeline/messageOf.ts"
import { processorThreads } from "../machine/processorThreads.ts"
import { loadOnnxruntime } from "./loadOnnxruntime.ts"

const graphOf = (transposed: Transposed) => {
  const graph = new OnnxGraph()
  const inputs = [graph.input("a", ["rows", "inner"]), graph.input("b", ["inner2", "columns"])]
  const product = graph.node("Gemm", "product", inputs, {
    transA: transposed === "first" ? 1 : 0,
    transB: transposed === "second" ? 1 : 0
  })
  graph.output(product, "c", ["rows2", "columns2"])
  return graph.encode("product")
}

const failed = (cause: unknown) => new ProductsError({ reason: "failed", detail: messageOf(cause), cause })

/** Products by onnxruntime, whose sessions are opened when they are first needed. */
export const layer = Layer.effect(
  Products,
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const sessions = new Map<Transposed, InferenceSession>()
    const load = Effect.mapError(
      loadOnnxruntime,
      ({ cause, detail }) => new ProductsError({ reason: "unavailable", detail, cause })
    )
    const sessionOf = Effect.fnUntraced(function* (transposed: Transposed) {
      const there = sessions.get(transposed)
      if (there !== undefined) return there
      const { InferenceSession } = yield* load
      const opened = yield* Effect.acquireRelease(
        Effect.tryPromise({
          try: () =>
            InferenceSession.create(graphOf(transposed), {
              executionProviders: ["cpu"],
              intraOpNumThreads: processorThreads(),
              interOpNumThreads: 1,
              logSeverityLevel: 3
            }),
          catch: failed
        }),
        (session) => Effect.promise(() => session.release())
      ).pipe(Effect.provideService(Scope.Scope, scope))
      sessions.set(transposed, opened)
      return opened
    })
    return {
      multiply: Effect.fnUntraced(function* (a: Matrix, b: Matrix, transposed: Transposed = "neither") {
        const session = yield* sessionOf(transposed)
        const { Tensor } = yield* load
        const tensor = ({ columns, data, rows }: Matrix) => new Tensor("float32", data, [rows, columns])
        return yield* Effect.tryPromise({
          try: async () => {
            const product = (await session.run({ a: tensor(a), b: tensor(b) }))["c"]! // the graph's only output
            const [rows = 0, columns = 0] = product.dims
            return { rows, columns, data: product.data as Float32Array } // declared as float32 in the graph
          },
          catch: failed
        })
      })
    }
  })
)
