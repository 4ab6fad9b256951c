import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { posix } from "node:path"
import { glob, isPattern } from "../../../src/layers/imageFiles/glob.ts"

const isMatch = (path: string, pattern: string): boolean => {
  let left = Result.getOrThrow(glob(pattern))
  for (const name of path.split("/")) left = left.below(name)
  return left.isWhole
}

const names = ["", "a", "b", ".a", "ab", "a.jpg", "b.JPG", "a-b", "[a]", "a1", "a12", "{a}", "é", "a*b", "]", "^", "!"]
const paths = [...names.slice(1), ...names.slice(1).flatMap((name) => [`a/${name}`, `a/b/${name}`, `.a/${name}`])]

describe("a pattern", () => {
  it("matches what Node's own matcher does", () => {
    const patterns = [
      "*",
      "?",
      "a*",
      "*a",
      "*a*",
      "a?",
      "[ab]",
      "[!ab]*",
      "[^a]",
      "[a-c]*",
      "[]]",
      "[!]]",
      "[[:digit:]]",
      ".*",
      ".?",
      "a[0-9]",
      "a[0-9][0-9]",
      "*.jpg",
      "*.[jJ][pP][gG]",
      "{a,b}",
      "{a,b}*",
      "a{1,12}",
      "{a,{b,ab}}",
      "{.a,a}/*",
      "**",
      "**/a",
      "a/**",
      "**/b/**",
      "*/*",
      "*/**/a*",
      "**/**/b",
      "{a,.a}/{b,a}",
      "{a/b,.a}/*",
      "{1..3}",
      "a{1..12}",
      "a{3..1}",
      "{a..c}",
      "[",
      "a[",
      "[a",
      "{a",
      "{a,b",
      "x{a}y",
      "a}",
      "é",
      "e\u0301"
    ]
    for (const pattern of patterns)
      for (const path of paths) {
        // Node tells the two forms of é apart, and takes `{a}` for `a` as a shell does not.
        if (pattern === "e\u0301") continue
        assert.strictEqual(isMatch(path, pattern), posix.matchesGlob(path, pattern), `${pattern} on ${path}`)
      }
  })

  it("takes both Unicode forms of a name for the same, and a letter with its accent for one character", () => {
    assert.isTrue(isMatch("cafe\u0301.jpg", "caf\u00e9.*"))
    assert.isTrue(isMatch("caf\u00e9.jpg", "cafe\u0301.*"))
    assert.isTrue(isMatch("cafe\u0301.jpg", "caf?.jpg"))
    assert.isTrue(isMatch("👩.jpg", "?.jpg"))
    assert.deepStrictEqual(
      names.slice(1).filter((name) => isMatch(name, "\\[a\\]")),
      ["[a]"]
    )
    assert.deepStrictEqual(
      names.slice(1).filter((name) => isMatch(name, "a\\*b")),
      ["a*b"]
    )
  })

  it("counts in braces as a shell does", () => {
    const all = Array.from({ length: 130 }, (_, i) => String(i)).concat(["01", "001", "010", "-1", "-2"])
    const matched = (pattern: string) => all.filter((name) => isMatch(name, pattern))
    assert.deepStrictEqual(matched("{1..9..4}"), ["1", "5", "9"])
    assert.deepStrictEqual(matched("{9..1..4}"), ["1", "5", "9"])
    assert.deepStrictEqual(matched("{001..10}"), ["001", "010"])
    assert.deepStrictEqual(matched("{-2..1}"), ["0", "1", "-1", "-2"])
    assert.deepStrictEqual(matched("1{2,{0..1}}"), ["10", "11", "12"])
  })

  it("is refused where its braces or its length stand for too much, at once", () => {
    const refused = (pattern: string) => Result.getOrThrow(Result.flip(glob(pattern)))
    for (const pattern of [
      "{1..1000000}",
      "{0..999999999999999}",
      "{a,b}".repeat(2000 / 5),
      `{${"{1..9},".repeat(200)}}`
    ])
      assert.match(refused(pattern), /more than 1000 patterns/)
    assert.match(refused("*".repeat(5000)), /has 5000 characters/)
    assert.isTrue(isMatch("img-0999.jpg", "img-{0001..1000}.jpg"))
  })

  it("takes a time that does not explode, whatever it is", () => {
    const name = `${"a".repeat(250)}.jpg`
    for (const pattern of [
      `${"*a".repeat(100)}b.jpg`,
      `${"*?".repeat(1000)}b`,
      `${"*[a-z]".repeat(500)}!`,
      "[".repeat(4000),
      "{".repeat(4000),
      `${"{".repeat(2000)}${"}".repeat(2000)}`,
      "{a,".repeat(1300),
      `${"**/".repeat(1000)}b`
    ])
      assert.isFalse(isMatch(`${"a/".repeat(40)}${name}`, pattern), pattern.slice(0, 20))
  })

  it("is a text with one of its characters", () => {
    assert.deepStrictEqual(["a*", "a?", "[", "{", "a", "a]", "a}"].map(isPattern), [
      true,
      true,
      true,
      true,
      false,
      false,
      false
    ])
  })
})
