import { Effect } from "effect"

/** SHA-256 of bytes, or of a text's UTF-8, in hex; by the Web Crypto interface, which every JavaScript platform has. */
export const sha256 = (content: Uint8Array<ArrayBuffer> | string): Effect.Effect<string> =>
  Effect.map(
    Effect.promise(() =>
      crypto.subtle.digest("SHA-256", typeof content === "string" ? new TextEncoder().encode(content) : content)
    ),
    (digest) => Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("")
  )
