import { Effect } from "effect"
import { Pretrained } from "../../model/Pretrained.ts"
import type { Weights } from "../../model/Tensor.ts"

/** `Pretrained` with each set of tensors read once: runs that begin with the same tensors share them. */
export const rememberTensors = Effect.map(Pretrained, (pretrained) => {
  const known = new Map<string, Weights>()
  const graphs = new Map<string, Uint8Array<ArrayBuffer>>()
  return Pretrained.of({
    ...pretrained,
    graph: Effect.fnUntraced(function* (source) {
      const there = graphs.get(source)
      if (there !== undefined) return there
      const read = yield* pretrained.graph(source)
      graphs.set(source, read)
      return read
    }),
    tensors: Effect.fnUntraced(function* (source, names) {
      const key = JSON.stringify([source, ...names])
      const there = known.get(key)
      if (there !== undefined) return there
      const read = yield* pretrained.tensors(source, names)
      known.set(key, read)
      return read
    })
  })
})
