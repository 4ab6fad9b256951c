import { Effect } from "effect"
import { cpus } from "node:os"
import type { Features, FeaturesName } from "../../model/Features.ts"
import { FeaturesError, notExamined } from "../../model/Features.ts"
import { messageOf } from "../../pipeline/messageOf.ts"
import type { Shape } from "../../model/shapes.ts"
import { sizeOf } from "../../model/Tensor.ts"

type Open = Features["Service"]["open"]

/** An exception of a library as a FeaturesError of the engine. */
export const failedBy = (engine: FeaturesName) => (cause: unknown) => {
  const detail = messageOf(cause)
  // C++ reports a lack of memory by this name; JavaScript throws a RangeError.
  const isMemory = cause instanceof RangeError || /bad_alloc|failed to allocate memory|bad allocation/i.test(detail)
  const advice = isMemory ? ": use a smaller batch size, or smaller images" : ""
  return new FeaturesError({ engine, reason: isMemory ? "outOfMemory" : "failed", detail: detail + advice, cause })
}

/** Fails where the numbers are not those of `size` inputs. */
export const checkInputs = (engine: FeaturesName, input: Shape, images: Float32Array, size: number) => {
  const expected = size * sizeOf(input)
  if (size >= 1 && images.length === expected) return Effect.void
  const detail = `${size} inputs of ${input.join(" x ")} are ${expected} numbers, not ${images.length}`
  return Effect.fail(new FeaturesError({ engine, reason: "misfit", detail }))
}

/** The processor's name, for caches' keys: libraries choose routines by it, and each routine rounds differently. */
export const processor = () => `${process.arch} ${cpus()[0]?.model ?? "unknown"}`

/** A `Features` service of one engine; a request for another engine fails. */
export const onlyBy = (
  engine: FeaturesName,
  open: (frozen: Parameters<Open>[0]) => ReturnType<Open>,
  examine: Features["Service"]["examine"] = () => Effect.fail(notExamined(engine))
) => ({
  examine,
  open: ((frozen, by = engine) =>
    by === engine
      ? open(frozen)
      : Effect.fail(
          new FeaturesError({ engine: by, reason: "unavailable", detail: `it is not there; ${engine} is` })
        )) satisfies Open
})
