import { assert, it } from "@effect/vitest"
import { detectDelimiter } from "../../../src/layers/sources/delimiter.ts"

it("the delimiter is found by the columns that are asked for, then by the rows, quotes respected", () => {
  const cases: ReadonlyArray<readonly [lines: ReadonlyArray<string>, expected: string]> = [
    [["id,label", "1,a"], ","],
    [["id;label", "1;a"], ";"],
    [["id\tlabel", "1\ta,b,c"], "\t"],
    [["id|label", "1|a"], "|"],
    // Decimal commas in every row, and in the header's own names.
    [["id;label;price, net", "1;a;1,5", "2;b;2,5"], ";"],
    [["sku;kind", "1,5;a", "2,5;b"], ";"],
    // Quoted cells with other delimiters, over lines.
    [['sku;"a,b,c"', '"1,2,3";"x', 'y,z"', '2;"p,q,r"'], ";"],
    [['"id","label"', '"1;2;3","a"'], ","],
    [["", "id;label", "1;a"], ";"],
    [["one column", "1"], ","],
    [[], ","]
  ]
  for (const [lines, expected] of cases)
    assert.strictEqual(detectDelimiter(lines, ["id", "label"]), expected, lines.join())
})
