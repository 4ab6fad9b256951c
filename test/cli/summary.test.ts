import { assert, describe, it } from "@effect/vitest"
import { calibrationText, evaluationText, membersText } from "../../src/cli/summary.ts"
import { thresholdText } from "../../src/cli/predictionText.ts"
import { calibrationMetrics, cooled } from "../../src/metrics/calibration.ts"
import * as Evaluation from "../../src/metrics/Evaluation.ts"
import * as Multilabel from "../../src/metrics/multilabel.ts"
import { testReport } from "../../src/metrics/Report.ts"
import { draw } from "../../src/pipeline/draw.ts"

const random = draw("summary")
const labels = Int32Array.from({ length: 60 }, (_, i) => i % 3)
const logits = Float32Array.from(
  { length: 180 },
  (_, k) => 3 * random.normal() + (k % 3 === labels[Math.floor(k / 3)] ? 4 : 0)
)
const calibration = calibrationMetrics({ classes: 3, labels, logits }, 2.5, 15)
const reportAt = (temperature: number) =>
  testReport(Evaluation.measure({ classes: 3, logits: cooled(logits, temperature), labels }), ["a", "b", "c"])!
const [asTrained, calibrated] = [calibration.lossBefore!.toFixed(4), calibration.lossAfter!.toFixed(4)]

describe("a summary for people", () => {
  it("names the loss with the temperature and the one without it, side by side", () => {
    assert.notStrictEqual(asTrained, calibrated)
    assert.match(evaluationText(reportAt(1)), new RegExp(`^ *loss  accuracy .*\n${asTrained} `))
    assert.match(
      evaluationText(reportAt(2.5), calibration),
      new RegExp(`^loss, calibrated  loss, as trained  accuracy .*\n +${calibrated} +${asTrained} `)
    )
    assert.include(
      calibrationText(2.5, "test", calibration),
      `the loss ${asTrained} as trained, ${calibrated} calibrated.`
    )
  })

  it("tells of each of several runs which of the two its loss is", () => {
    const member = { engine: "reference", dataDigest: "", accuracy: 0.5 }
    const text = membersText({
      calibration,
      report: reportAt(2.5),
      members: [
        { ...member, run: "warm", loss: 0.75 },
        { ...member, run: "cool", loss: 0.25, lossBefore: 0.5, temperature: 2 }
      ]
    })
    assert.match(text, /\nrun +loss, calibrated +loss, as trained +accuracy +temperature\n/)
    assert.match(text, /\nwarm +- +0\.7500 +50\.0 %/)
    assert.match(text, /\ncool +0\.2500 +0\.5000 +50\.0 % +2\.000/)
    assert.match(text, new RegExp(`\ntogether +${calibrated} +${asTrained} `))
    const plain = membersText({ report: reportAt(1), members: [{ ...member, run: "warm", loss: 0.75 }] })
    assert.match(plain, /\nrun +loss +accuracy/)
  })

  it("has a table of several label columns, and a line on each", () => {
    const kind = { samples: 60, ...reportAt(1) }
    const found = Multilabel.measure({
      values: "several",
      classes: 2,
      logits: Float32Array.of(1, -1, 2, 3, -1, 1),
      labels: Uint8Array.of(1, 0, 0, 1, 1, 1)
    })
    const tags = testReport(found, ["dark", "striped"])!
    const columns = { kind, tags }
    const text = evaluationText({ ...kind, columns })
    const [head, first, second, empty, ...lines] = text.split("\n")
    assert.match(head ?? "", /^column +images +loss +accuracy +weighted F1 /)
    assert.match(first ?? "", new RegExp(`^kind +60 +${asTrained} `))
    // Of three samples one has its tags as they are.
    assert.match(second ?? "", /^tags +3 +\d\.\d{4} +33\.3 %/)
    assert.strictEqual(empty, "")
    assert.match(
      lines[0] ?? "",
      /^kind: hardest [abc] \(F1 .* of 20\), .*; most confused [abc] taken for [abc] \(\d+\)/
    )
    assert.strictEqual(lines[1], "tags: hardest dark (F1 50.0 % of 2), striped (F1 100.0 % of 2)")
    const member = { engine: "reference", dataDigest: "", accuracy: 0.5, loss: 1 }
    const own = { kind: { accuracy: 0.25, loss: 1 }, tags: { accuracy: null, loss: null } }
    assert.match(
      membersText({ report: { ...kind, columns }, members: [{ ...member, run: "warm", columns: own }] }),
      /\nrun +kind +tags\nwarm +25\.0 % +-\ntogether +\d\d\.\d % +33\.3 %/
    )
  })

  it("tells a threshold with four digits, and what it promises with which confidence", () => {
    const chosen = { threshold: 0.87, samples: 400, answered: 300, coverage: 0.75, accuracy: 0.97, atLeast: 0.9512 }
    const curve = [{ threshold: 0.5, samples: 400, answered: 380, coverage: 0.95, accuracy: 0.93 }]
    const threshold = { source: "validation", target: 0.95, confidence: 0.95, curve } as const
    const text = thresholdText({ ...threshold, value: chosen.threshold, chosen })
    assert.match(
      text,
      /^Answers below 0\.8700 are left open\.\nOf the answers 95\.0 % are right with 95\.0 % confidence/
    )
    assert.match(text, /\n +0\.8700 +75\.0 % +97\.0 % +chosen: at least 95\.1 % with 95\.0 % confidence/)
    // What four digits would make 1 keeps those that tell it from 1.
    assert.match(thresholdText({ ...threshold, value: 0.99996, chosen }), /^Answers below 0\.99996 are left open/)
    const all = { ...chosen, threshold: 0 }
    assert.match(thresholdText({ ...threshold, value: 0, chosen: all }), /^Nothing is left open\./)
  })
})
