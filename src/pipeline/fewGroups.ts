import { count } from "./DataUnusable.ts"
import type { KnownClasses } from "./LabelColumn.ts"
import type { Parts } from "./split.ts"

/** Classes that are named. */
const shown = 8

const partWords = { train: "training", validation: "validation", test: "test" } as const

interface Labelled {
  readonly id: string
  readonly label: number
  readonly labels?: ReadonlyArray<KnownClasses>
}

/** A sample's classes in the first label column, which may have several values. */
const classesOf = ({ label, labels }: Labelled): ReadonlyArray<number> =>
  labels === undefined ? [label] : (labels[0] ?? [])

/** Names the classes of the first label column that some part lacks because too few groups have them; none where every part has every class. */
export const fewGroupsNote = (
  parts: Parts<Labelled>,
  classes: ReadonlyArray<string>,
  groups: ReadonlyMap<string, string>
): ReadonlyArray<string> => {
  const names = (["train", "validation", "test"] as const).filter((name) => parts[name].length > 0)
  const has = new Map(names.map((name) => [name, new Set(parts[name].flatMap(classesOf))]))
  const all = names.flatMap((name) => parts[name])
  const lacking = classes.flatMap((label, index) => {
    const without = names.filter((name) => has.get(name)?.has(index) !== true)
    if (without.length === 0) return []
    const members = all.filter((sample) => classesOf(sample).includes(index))
    const distinct = new Set(members.map(({ id }) => groups.get(id) ?? `row ${id}`)).size
    return [
      `${JSON.stringify(label)} (${count(members.length)} rows in ${count(distinct)} ${distinct === 1 ? "group" : "groups"}, ` +
        `no ${without.map((name) => partWords[name]).join(" and no ")} row)`
    ]
  })
  if (lacking.length === 0) return []
  const more = lacking.length > shown ? `; and ${count(lacking.length - shown)} more` : ""
  return [`classes with too few groups to be in every part: ${lacking.slice(0, shown).join("; ")}${more}`]
}
