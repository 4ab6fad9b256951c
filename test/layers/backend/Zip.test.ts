import { assert, describe, it } from "@effect/vitest"
import { createHash } from "node:crypto"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"
import { extract, readText, withZip } from "../../../src/layers/backend/Zip.ts"
import { zip } from "./wheel.ts"

const folder = mkdtempSync(join(tmpdir(), "weft-test-"))
afterAll(() => rmSync(folder, { recursive: true }))

/** More than a chunk, and no two chunks alike. */
const library = Buffer.concat(
  Array.from({ length: 20_000 }, (_, i) => createHash("sha256").update(`block ${i}`).digest())
)
const whole = zip([
  ["lib/libtensorflow.so.2", library],
  ["a.dist-info/RECORD", Buffer.from("größer,\n")]
])

const reading = <A>(bytes: Uint8Array, use: Parameters<typeof withZip<A>>[1]) => {
  const path = join(folder, "archive.whl")
  writeFileSync(path, bytes)
  return withZip(path, use)
}

/** Extracts the first file. */
const extracted = (bytes: Uint8Array) => {
  const sizes: Array<number> = []
  const signal = new AbortController().signal
  return reading(bytes, async (zip) => ({
    hash: await extract(zip, zip.entries[0]!, join(folder, "out"), (size) => sizes.push(size), signal), // there is one
    sizes
  }))
}

const refused = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
  } catch (cause) {
    return String(cause)
  }
  return assert.fail("nothing was refused")
}

/** With the number at an offset in the list's first entry changed. */
const withListed = (at: number, change: (n: number) => number) => {
  const bytes = Buffer.from(whole)
  const place = bytes.indexOf(Buffer.from("PK\x01\x02", "latin1")) + at
  bytes.writeUInt32LE(change(bytes.readUInt32LE(place)) >>> 0, place)
  return bytes
}

describe("a ZIP archive", () => {
  it("gives its files, their texts and their hashes", async () => {
    const { hash, sizes } = await extracted(whole)
    assert.deepStrictEqual(readFileSync(join(folder, "out", "lib", "libtensorflow.so.2")), library)
    assert.strictEqual(hash, createHash("sha256").update(library).digest("base64url"))
    assert.isAbove(sizes.length, 1)
    assert.strictEqual(sizes.at(-1), library.length)
    const text = await reading(whole, (zip) => readText(zip, zip.entries[1]!)) // two were written
    assert.strictEqual(text, "größer,\n")
  })

  it("is refused where bytes, a size or the list are not what was written", async () => {
    assert.match(await refused(extracted(withListed(16, (crc) => crc ^ 1))), /checksum of lib\/libtensorflow\.so\.2/)
    // More comes out than it says: nothing is unpacked without a bound.
    assert.match(await refused(extracted(withListed(24, (size) => size - 1000))), /too many bytes/)
    assert.match(await refused(extracted(withListed(24, (size) => size + 1000))), /not enough bytes/)
    assert.match(await refused(extracted(whole.subarray(0, whole.length / 2))), /[Ee]nd of central directory/)
  })

  it("is refused where a path leaves its folder, and nothing is written", async () => {
    for (const path of ["../escaped.so", "/escaped.so", "a/../../escaped.so"])
      assert.match(await refused(extracted(zip([[path, library]]))), /relative path|absolute path/)
    assert.isFalse(existsSync(join(folder, "escaped.so")))
  })
})
