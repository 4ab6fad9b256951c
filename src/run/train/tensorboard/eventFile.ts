import type { EpochRecord } from "../../../metrics/Report.ts"
import type { Message } from "../../../model/onnx/protobuf.ts"
import { encode } from "../../../model/onnx/protobuf.ts"
import type { StepSpan } from "../StepSpan.ts"
import { record } from "./record.ts"

/** Values of one step, by their tags; those that do not exist are null. */
interface Scalars {
  readonly step: number
  /** Seconds since 1970. */
  readonly time: number
  readonly values: ReadonlyArray<readonly [tag: string, value: number | null]>
}

/** `Event` of TensorFlow's event.proto: wall_time 1, step 2, file_version 3, summary 5; `Summary.Value`: tag 1, simple_value 2. */
const event = ({ step, time, values }: Scalars): Message => [
  [1, { double: time }],
  [2, step],
  [
    5,
    values.flatMap(([tag, value]) =>
      value === null
        ? []
        : [
            [
              1,
              [
                [1, tag],
                [2, { float: value }]
              ]
            ] as const
          ]
    )
  ]
]

const epochScalars = (history: ReadonlyArray<EpochRecord>, end: number): ReadonlyArray<Scalars> => {
  const whole = history.reduce((sum, { seconds }) => sum + seconds, 0)
  let passed = 0
  return history.map((record) => {
    passed += record.seconds
    return {
      step: record.epoch,
      time: end - whole + passed,
      values: [
        ["epoch/loss/training", record.trainLoss],
        ["epoch/loss/validation", record.validationLoss],
        ["epoch/accuracy/training", record.trainAccuracy],
        ["epoch/accuracy/validation", record.validationAccuracy],
        ["epoch/learning rate", record.learningRate],
        ["epoch/images per second", record.imagesPerSecond]
      ]
    }
  })
}

const stepScalars = (spans: ReadonlyArray<StepSpan>, from: number, end: number): ReadonlyArray<Scalars> => {
  const last = spans.at(-1)?.step ?? 1
  return spans.map(({ learningRate, loss, step }) => ({
    step,
    // Steps have no recorded time: the times assume that all took equally long.
    time: from + ((end - from) * step) / last,
    values: [
      ["step/loss", loss],
      ["step/learning rate", learningRate]
    ]
  }))
}

/**
 * A run's curves as a file that TensorBoard reads: an epoch's values over epochs, a step's over steps.
 *
 * `end` is when the training ended, in seconds since 1970; earlier times are computed back from it.
 */
export const eventFile = (
  history: ReadonlyArray<EpochRecord>,
  spans: ReadonlyArray<StepSpan>,
  end: number
): Uint8Array => {
  const from = end - history.reduce((sum, { seconds }) => sum + seconds, 0)
  const version: Message = [
    [1, { double: from }],
    [3, "brain.Event:2"]
  ]
  const messages = [version, ...epochScalars(history, end).map(event), ...stepScalars(spans, from, end).map(event)]
  const records = messages.map((message) => record(encode(message)))
  const bytes = new Uint8Array(records.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const one of records) {
    bytes.set(one, at)
    at += one.length
  }
  return bytes
}
