import { createHash } from "node:crypto"

/** SHA-256 of a file's bytes, in hex. */
export const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

/** Whether a file has other bytes than expected, if any are; an empty file is refused as one, which says more. */
export const isChanged = (bytes: Uint8Array, expected: string | undefined): boolean =>
  expected !== undefined && bytes.length > 0 && digestOf(bytes) !== expected
