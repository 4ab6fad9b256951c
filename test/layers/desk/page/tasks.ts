import type { Answer, Task } from "../../../../src/run/serve/Desk.ts"

/** A task for tests: its name, and for each column its value and its suggestions. */
export const taskOf = (
  name: string,
  columns: Readonly<Record<string, { readonly value?: string; readonly suggested?: ReadonlyArray<string> }>>,
  more: {
    readonly kind?: Task["lease"]["task"]
    readonly version?: number
    readonly opinions?: ReadonlyArray<Answer>
  } = {}
): Task => {
  const [first, ...others] = Object.entries(columns).map(([column, { suggested = [], value }]) => ({
    column,
    value: value ?? null,
    suggestions: suggested.map((label, i) => ({ label, probability: 0.8 / (i + 1) }))
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
