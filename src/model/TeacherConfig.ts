import { Schema } from "effect"
import { between, optionalSetting, required, setting, Share } from "../config/Setting.ts"

const Source = Schema.NonEmptyString

const Sources = Schema.Union([Source, Schema.NonEmptyArray(Source)]).annotate({
  expected: "a run's folder or an ONNX file with logits, or a list of them"
})

/** A teacher with settings of its own. */
const TeacherTable = Schema.Struct({
  from: required(
    Sources,
    "The folder of a finished run, or an ONNX file that gives logits (`hf:OWNER/NAME/FILE.onnx` for a hub's); of a list, the mean of the probabilities"
  ),
  temperature: setting(
    between(0.05, 100),
    4,
    "Divides the logits of teacher and student before their probabilities are compared: above 1, the classes that are not the first count more"
  ),
  weight: setting(
    Share,
    0.5,
    "The teacher's share w of the loss: (1 - w) times the loss by the labels, and w times temperature squared times KL(teacher || student) (Hinton et al., 2015)"
  ),
  column: optionalSetting(
    Schema.NonEmptyString,
    "Of several label columns, the one that a teacher of a single column knows. Where left out, the one whose classes it has"
  ),
  classes: optionalSetting(
    Schema.NonEmptyArray(Schema.String),
    "The names of an ONNX file's classes, in the order of its logits, where the file does not have them"
  ),
  output: optionalSetting(
    Schema.NonEmptyString,
    "The value of an ONNX file that gives the logits. Where left out, `logits`, or its only output"
  ),
  digests: optionalSetting(
    Schema.Array(
      Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/, { expected: "a SHA-256 in hexadecimal digits" }))
    ),
    "What Weft found: a SHA-256 of each one's network, weights and classes, as a run's config.json has it. Nothing needs to be set; with it, another teacher is refused"
  )
})
export type Teacher = typeof TeacherTable.Type

/** `train.teacher`: where it is from, or a table. */
export const TeacherConfig = Schema.Union([Sources, TeacherTable]).annotate({
  expected: "a run's folder or an ONNX file with logits, a list of them, or a table with `from`"
})
export type TeacherConfig = typeof TeacherConfig.Type

const complete = Schema.decodeSync(TeacherTable)

/** The teacher of a configuration with all its settings; the short form has the defaults. */
export const teacherOf = (config: TeacherConfig): Teacher =>
  // Only the short form is a text or a list.
  typeof config === "string" || Array.isArray(config)
    ? complete({ from: config as typeof Sources.Type })
    : (config as Teacher)

/** Where the teachers are from, one at least. */
export const sourcesOf = ({ from }: Pick<Teacher, "from">): ReadonlyArray<string> =>
  typeof from === "string" ? [from] : from
