import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { spawnSync } from "node:child_process"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { EpochRecord } from "../../../../src/metrics/Report.ts"
import { eventFile } from "../../../../src/run/train/tensorboard/eventFile.ts"
import { crc32c, record } from "../../../../src/run/train/tensorboard/record.ts"
import { pythonWith } from "../../../python.ts"
import { temporaryFolder } from "../../../temporaryFolder.ts"

const bytesOf = (text: string) => new TextEncoder().encode(text)
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")

const history: ReadonlyArray<EpochRecord> = [1, 2].map((epoch) => ({
  epoch,
  trainLoss: 2 / epoch,
  trainAccuracy: 0.4 * epoch,
  validationLoss: epoch === 1 ? null : 1.25,
  validationAccuracy: epoch === 1 ? null : 0.5,
  learningRate: 0.01 / epoch,
  imagesPerSecond: 300,
  seconds: 10 * epoch
}))
const spans = [
  { step: 300, steps: 300, loss: 1.75, learningRate: 0.01 },
  { step: 450, steps: 150, loss: null, learningRate: 0.001 }
]
const end = 1_700_000_000.25

const python = pythonWith("tensorflow")

const readBack = `
import sys, json
import tensorflow as tf
print(json.dumps([
  [e.wall_time, e.step, e.file_version, [[v.tag, v.simple_value] for v in e.summary.value]]
  for e in tf.compat.v1.train.summary_iterator(sys.argv[1])
]))`
const Event = Schema.Tuple([
  Schema.Finite,
  Schema.Int,
  Schema.String,
  Schema.Array(Schema.Tuple([Schema.String, Schema.Finite]))
])
const decodeEvents = Schema.decodeSync(Schema.fromJsonString(Schema.Array(Event)))

describe("TensorBoard's event files", () => {
  it("have RFC 3720's checksums, masked and placed as TensorFlow's", () => {
    assert.strictEqual(crc32c(bytesOf("123456789")), 0xe3069283)
    assert.strictEqual(crc32c(new Uint8Array(32)), 0x8a9136aa)
    // tf.io.TFRecordWriter's own bytes for b"weft".
    assert.strictEqual(hexOf(record(bytesOf("weft"))), "04000000000000004245520477656674b7f7298a")
  })

  it("have the curves of each label column, where there are several", () => {
    const columns = { colour: { loss: 1.5, accuracy: 0.25 }, tags: { loss: null, accuracy: null } }
    const several = history.map((record) => ({ ...record, validationColumns: columns }))
    const text = new TextDecoder("latin1").decode(eventFile(several, [], end))
    for (const curve of ["loss", "accuracy"])
      assert.strictEqual(text.split(`epoch/${curve}/validation/colour`).length - 1, history.length)
    assert.notInclude(text, "validation/tags")
    assert.notInclude(new TextDecoder("latin1").decode(eventFile(history, [], end)), "validation/")
  })

  it("begin with their version and leave out missing values", () => {
    const bytes = eventFile(history, spans, end)
    const text = new TextDecoder("latin1").decode(bytes)
    assert.strictEqual(text.indexOf("brain.Event:2"), 12 + 11)
    assert.strictEqual(text.split("epoch/loss/training").length - 1, 2)
    assert.strictEqual(text.split("epoch/loss/validation").length - 1, 1)
    assert.strictEqual(text.split("step/loss").length - 1, 1)
  })

  it.effect.skipIf(python === undefined)("are read by TensorFlow, with every value, step and time", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "events.out.tfevents.weft")
      yield* Effect.promise(() => writeFile(path, eventFile(history, spans, end)))
      const { stderr, stdout } = spawnSync(python ?? "python3", ["-c", readBack, path], { encoding: "utf8" })
      const events = decodeEvents(stdout.trim() === "" ? `"${stderr.slice(-300)}"` : stdout)
      assert.deepStrictEqual(
        events.map(([, step, version]) => [step, version]),
        [
          [0, "brain.Event:2"],
          [1, ""],
          [2, ""],
          [300, ""],
          [450, ""]
        ]
      )
      assert.deepStrictEqual(
        events.map(([time]) => time),
        [end - 30, end - 20, end, end - 10, end]
      )
      const second = new Map(events[2]?.[3])
      assert.strictEqual(second.get("epoch/loss/validation"), 1.25)
      assert.strictEqual(second.get("epoch/learning rate"), Math.fround(0.005))
      assert.deepStrictEqual(events[4]?.[3], [["step/learning rate", Math.fround(0.001)]])
    }).pipe(Effect.scoped)
  )
})
