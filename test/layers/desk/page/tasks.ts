import type { Value } from "../../../../src/run/serve/ColumnValue.ts"
import type { Answer } from "../../../../src/run/serve/Item.ts"
import type { Task } from "../../../../src/run/serve/Task.ts"

/** A task for tests: its name, and for each column its value and its suggestions. */
export const taskOf = (
  name: string,
  columns: Readonly<
    Record<
      string,
      {
        readonly value?: Value
        readonly suggested?: ReadonlyArray<string>
        /** The threshold of every class, where the column has several values. */
        readonly threshold?: number
      }
    >
  >,
  more: {
    readonly kind?: Task["lease"]["task"]
    readonly version?: number
    readonly opinions?: ReadonlyArray<Answer>
  } = {}
): Task => {
  const [first, ...others] = Object.entries(columns).map(([column, { suggested = [], threshold, value }]) => ({
    column,
    ...(threshold !== undefined && { several: true }),
    value: value ?? null,
    suggestions: suggested.map((label, i) => ({
      label,
      probability: 0.8 / (i + 1),
      ...(threshold !== undefined && { threshold })
    }))
  }))
  if (first === undefined) throw new Error("a task has a column")
  return {
    digest: name.padEnd(64, "0"),
    name,
    came: 0,
    lease: { operator: "me", until: 0, task: more.kind ?? "first" },
    version: more.version ?? 0,
    blind: false,
    model: "m",
    run: "r",
    columns: [first, ...others],
    opinions: more.opinions ?? []
  }
}
