import { assert, describe, it } from "@effect/vitest"
import { encode } from "../../src/model/safetensors.ts"
import { otherKind } from "../../src/model/weightsKind.ts"

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0))
const whatOf = (text: string) => otherKind(bytes(text))?.what

describe("a file that is taken for weights", () => {
  it("is known by a file's first bytes, where it is not a safetensors file", () => {
    assert.match(whatOf("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")!, /Git LFS pointer/)
    for (const page of [
      "<!doctype html><title>Sign in</title>",
      "\n <HTML>",
      "\xef\xbb\xbf<!DOCTYPE html>",
      "<?xml version='1.0'?>"
    ])
      assert.strictEqual(whatOf(page), "a web page")
    assert.strictEqual(whatOf(`PK\x03\x04${"\0".repeat(26)}archive/data.pkl\x80\x02}.`), "a PyTorch file (zip)")
    assert.strictEqual(whatOf("\x80\x02}q\0."), "a PyTorch file (pickle)")
    assert.strictEqual(whatOf("PK\x03\x04\0\0model.safetensors"), "a zip archive")
    assert.strictEqual(whatOf("\x1f\x8b\x08\0"), "a packed archive")
    assert.match(whatOf("\x89HDF\r\n\x1a\n")!, /HDF5/)
    assert.strictEqual(whatOf('{"error":"Repository not found"}'), "a JSON text")
    assert.strictEqual(whatOf("Entry not found"), "a text")
    assert.strictEqual(whatOf(""), "an empty file")
  })

  it("is left to its own reader where it begins as one of safetensors, or as nothing that is known", () => {
    const whole = encode(new Map([["a", { shape: [2], data: Float32Array.of(1, 2) }]]))
    for (let length = 9; length <= whole.length; length++) assert.isUndefined(otherKind(whole.subarray(0, length)))
    // A header of 0x3c21 bytes begins with "!<", and one of 0x4b50 with "PK".
    for (const size of [0x213c, 0x4b50, 0x0280, 0x8b1f])
      assert.isUndefined(otherKind(Uint8Array.of(size & 0xff, size >> 8, 0, 0, 0, 0, 0, 0, 0x7b)))
    assert.isUndefined(otherKind(Uint8Array.of(1, 0, 3, 200, 7, 0, 0, 0, 0)))
  })
})
