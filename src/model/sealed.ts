import { Effect, Schema } from "effect"
import { sha256 } from "../pipeline/sha256.ts"
import { decode, encode } from "./safetensors.ts"
import type { Weights } from "./Tensor.ts"

/** A file cannot be used: `torn` has other bytes than were written, `otherFormat` is another kind of file. */
export class SealBroken extends Schema.TaggedError<SealBroken>()("SealBroken", {
  reason: Schema.Literals(["torn", "otherFormat"]),
  detail: Schema.String
}) {
  override get message() {
    return this.detail
  }
}

/** How every sealed file begins, after its first eight bytes; the digest follows. */
const beginning = `{"__metadata__":{"sha256":"`
const unsealed = new Uint8Array(64).fill(0x30)
const place = 8 + beginning.length

/**
 * Tensors and facts about them as a safetensors file that knows its own digest.
 *
 * The SHA-256 of the whole file, with 64 zeros in the digest's own place, is the first entry of its metadata: no byte
 * of the file can change unnoticed. `facts` is any text; `format` names its meaning.
 */
export const seal = Effect.fnUntraced(function* (tensors: Weights, format: string, facts: string) {
  const bytes = encode(tensors, { sha256: "0".repeat(64), format, facts })
  bytes.set(new TextEncoder().encode(yield* sha256(bytes)), place)
  return bytes
})

/** The tensors and facts of a sealed file, if every byte is as it was written; else why it cannot be used. */
export const unseal = Effect.fnUntraced(function* (bytes: Uint8Array, format: string) {
  const { metadata, tensors } = yield* Effect.fromResult(decode(bytes)).pipe(
    Effect.mapError(({ message }) => new SealBroken({ reason: "torn", detail: message }))
  )
  const { facts, format: found, sha256: expected } = metadata
  if (found !== format || facts === undefined)
    return yield* new SealBroken({
      reason: "otherFormat",
      detail: `its format is ${found === undefined ? "not named" : `"${found}"`}, and should be "${format}"`
    })
  const copy = new Uint8Array(bytes)
  copy.set(unsealed, place)
  if ((yield* sha256(copy)) !== expected)
    return yield* new SealBroken({ reason: "torn", detail: "its bytes are not those that were written" })
  return { facts, tensors }
})
