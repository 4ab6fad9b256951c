import { enginesText } from "../../../metrics/enginesUsed.ts"
import { count } from "../format.ts"
import { html } from "../html.ts"
import type { Contents } from "./Shown.ts"
import { weftCommand } from "../../../config/weftCommand.ts"

/** Everything that is needed to repeat the result. */
export const receipt: Contents = ({ facts: { config, path, report } }) => {
  const { engine } = report
  const { configDigest, dataDigest, machine, seeds, teacherDigests, versions, weightsDigest } = report.receipt
  const list = (all: Readonly<Record<string, string | number>>) =>
    Object.entries(all)
      .map(([name, value]) => `${name} ${value}`)
      .join(", ")
  const rows: ReadonlyArray<readonly [string, string | undefined]> = [
    ["engine", enginesText(report.history) ?? `${engine.name} (${engine.device})`],
    ["data digest", dataDigest],
    ["configuration digest", configDigest],
    ["digest of the first weights", weightsDigest],
    ["digests of the teachers", teacherDigests?.join(", ")],
    ["seeds", list(seeds)],
    ["versions", list(versions)],
    [
      "machine",
      `${machine.platform}, ${machine.arch}, ${count(machine.cpus)} processors, ${(machine.memory / 2 ** 30).toFixed(1)} GiB`
    ]
  ]
  return html`<dl>
      ${rows.map(
        ([name, value]) =>
          value !== undefined &&
          html`<dt>${name}</dt>
            <dd>${value}</dd> `
      )}
    </dl>
    <p>The same again: <code>${weftCommand(`train --config ${path}/config.json`)}</code></p>
    <details>
      <summary>The configuration</summary>
      <pre>${JSON.stringify(config, null, 2)}</pre>
    </details>`
}
