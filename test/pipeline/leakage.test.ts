import { assert, describe, it } from "@effect/vitest"
import { Schema, Struct } from "effect"
import { Leakage, leakageOf, namesIn, rowsAlike } from "../../src/pipeline/leakage.ts"
import type { PlacedRow } from "../../src/pipeline/leakage.ts"
import type { Part } from "../../src/pipeline/Part.ts"

/** A fingerprint with these bits set. */
const looks = (...bits: ReadonlyArray<number>) => {
  const digits = Array.from({ length: 64 }, () => 0)
  for (const bit of bits) digits[bit >> 2] = (digits[bit >> 2] ?? 0) | (1 << (bit & 3))
  return digits.map((digit) => digit.toString(16)).join("")
}
const many = Array.from({ length: 100 }, (_, i) => 2 * i)

const rowOf = (
  id: string,
  placedIn: Part,
  label: string,
  cells: ReadonlyArray<string>,
  digest = id,
  fingerprint = looks()
): PlacedRow => ({
  line: 2,
  id,
  label,
  image: `${id}.jpg`,
  path: `root/${id}.jpg`,
  digest,
  fingerprint,
  others: { columns: ["colour", "name", "note"], cells: JSON.stringify(cells) },
  placedIn
})

const rows = [
  rowOf("a", "train", "Tops", ["red", "Red top", "x"], "1", looks(...many)),
  rowOf("b", "test", "Tops", ["red", "Red top", ""], "2", looks(...many, 1, 3, 5)),
  rowOf("c", "test", "Shirts", ["blue", "Blue shirt", ""], "1", looks(...many)),
  rowOf("d", "validation", "Shirts", ["blue", "Red top", ""], "3", looks(...many, 1, 3, 5, 7, 9, 11, 13)),
  rowOf("e", "test", "Shirts", ["blue", "Green shirt", ""]),
  rowOf("f", "train", "Shirts", ["red", "", ""]),
  ...Array.from({ length: 30 }, (_, i) => rowOf(`bag${i}`, "train", "Bags", ["black", `Bag ${i}`, ""]))
]

const oneColumn = [{ name: "kind", classes: [], values: "one" }] as const

describe("leakageOf", () => {
  const found = leakageOf("root", rows, ["a note"], oneColumn)

  it("counts what test and validation rows share with rows that are trained on, by bytes, by looks and by name", () => {
    assert.deepStrictEqual(
      found.shared.map(({ column, kind, test, testIds, validation }) => [kind, column, test, validation, testIds]),
      [
        ["bytes", undefined, 1, 0, ["c"]],
        // The photo of c is the very one of a, and counted there; d differs in seven of 107 bits.
        ["looks", undefined, 1, 0, ["b"]],
        ["column", "name", 1, 1, ["b"]]
      ]
    )
    assert.deepStrictEqual([found.train, found.validation, found.test], [32, 1, 3])
    assert.deepStrictEqual(found.shared[0]?.examples, [
      {
        test: { id: "c", file: "c.jpg", digest: "1", label: "Shirts" },
        train: { id: "a", file: "a.jpg", digest: "1", label: "Tops" }
      }
    ])
  })

  it("lists rows with one image or one name and several labels", () => {
    assert.deepStrictEqual(
      found.contradictions.map(({ column, examples, kind, rows, sets }) => [
        kind,
        column,
        sets,
        rows,
        examples.map(({ labels, rows, shared }) => [shared, labels, rows.map(({ id }) => id)])
      ]),
      [
        [
          "bytes",
          undefined,
          1,
          2,
          [
            [
              undefined,
              [
                ["Shirts", 1],
                ["Tops", 1]
              ],
              ["c", "a"]
            ]
          ]
        ],
        [
          "column",
          "name",
          1,
          3,
          [
            [
              "Red top",
              [
                ["Tops", 2],
                ["Shirts", 1]
              ],
              ["a", "d", "b"]
            ]
          ]
        ]
      ]
    )
  })

  it("is written and read", () => {
    assert.deepStrictEqual(Schema.decodeUnknownSync(Leakage)(JSON.parse(JSON.stringify(found))), found)
  })

  it("does not speak of looks where no photo was looked at", () => {
    const unseen = rows.map((row) => Struct.omit(row, ["fingerprint"]))
    assert.deepStrictEqual(
      leakageOf("root", unseen, [], oneColumn).shared.map(({ kind }) => kind),
      ["bytes", "column"]
    )
  })

  it("takes for names what is text, mostly different, and sometimes repeated", () => {
    const others = (cells: ReadonlyArray<string>) => ({
      others: { columns: ["name", "unique", "number", "few"], cells: JSON.stringify(cells) }
    })
    const catalogue = Array.from({ length: 400 }, (_, i) =>
      others([`Shirt ${i >> 1}`, `Shirt ${i}`, String(i >> 1), `Colour ${i % 39}`])
    )
    assert.deepStrictEqual([...namesIn(catalogue).keys()], ["name"])
    assert.strictEqual(namesIn([]).size, 0)
  })

  it("pairs rows that look alike, the first of those with the same bytes for all", () => {
    assert.deepStrictEqual(rowsAlike(rows), [
      [0, 1],
      [1, 3]
    ])
  })
})
