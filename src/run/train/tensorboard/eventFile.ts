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
const eventOf = ({ step, time, values }: Scalars): Message => [
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
        ...Object.entries(record.validationColumns ?? {}).flatMap(([name, { accuracy, loss }]) => [
          [`epoch/loss/validation/${name}`, loss] as const,
          [`epoch/accuracy/validation/${name}`, accuracy] as const
        ]),
        ["epoch/learning rate", record.learningRate],
        ["epoch/images per second", record.imagesPerSecond]
      ]
    }
  })
}

const stepScalars = (spans: ReadonlyArray<StepSpan>, from: number, end: number): ReadonlyArray<Scalars> => {
  const first = spans[0]
  const last = spans.at(-1)
  if (first === undefined || last === undefined) return []
  const before = first.step - first.steps
  return spans.map(({ learningRate, loss, step }) => ({
    step,
    // Steps have no recorded time: the times assume that all took equally long.
    time: from + ((end - from) * (step - before)) / (last.step - before),
    values: [
      ["step/loss", loss],
      ["step/learning rate", learningRate]
    ]
  }))
}

const recordsOf = (messages: ReadonlyArray<Message>): Uint8Array => {
  const records = messages.map((message) => record(encode(message)))
  const bytes = new Uint8Array(records.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const one of records) {
    bytes.set(one, at)
    at += one.length
  }
  return bytes
}

const startOf = (history: ReadonlyArray<EpochRecord>, end: number) =>
  end - history.reduce((sum, { seconds }) => sum + seconds, 0)

/**
 * Curves as events that TensorBoard reads: metrics of each epoch over epochs, of its steps over steps.
 *
 * `end` is when the last of the epochs ended, in seconds since 1970; the times of what came before are reckoned back
 * from it.
 */
export const events = (history: ReadonlyArray<EpochRecord>, spans: ReadonlyArray<StepSpan>, end: number): Uint8Array =>
  recordsOf([...epochScalars(history, end), ...stepScalars(spans, startOf(history, end), end)].map(eventOf))

/** The events of a run so far as a file of their own, which further ones are appended to. */
export const eventFile = (
  history: ReadonlyArray<EpochRecord>,
  spans: ReadonlyArray<StepSpan>,
  end: number
): Uint8Array => {
  const version: Message = [
    [1, { double: startOf(history, end) }],
    [3, "brain.Event:2"]
  ]
  return Uint8Array.from([...recordsOf([version]), ...events(history, spans, end)])
}
