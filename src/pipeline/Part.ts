import { Schema } from "effect"

/** The parts of a dataset. */
export const Part = Schema.Literals(["train", "validation", "test"])
export type Part = typeof Part.Type

const words: Readonly<Record<string, Part>> = {
  train: "train",
  training: "train",
  val: "validation",
  valid: "validation",
  validation: "validation",
  dev: "validation",
  test: "test",
  testing: "test"
}

/** The part that a word of a catalogue means, in capitals or not; undefined where it means none. */
export const partNamed = (word: string): Part | undefined => {
  const plain = word.trim().toLowerCase()
  return Object.hasOwn(words, plain) ? words[plain] : undefined
}

/** What may stand where a part is named, for messages. */
export const partWords = "train, validation (val, valid, dev) or test"
