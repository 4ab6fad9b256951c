import { Array as Arrays, Effect, Option } from "effect"
import { Flag } from "effect/cli"
import { ConfigError } from "../config/RunConfig.ts"
import { NetworkMisfit } from "../model/networks.ts"
import { WeightsError } from "../model/Pretrained.ts"
import { TrainedFurther } from "../model/trainingFaults.ts"
import type { LabelColumns } from "../pipeline/LabelColumnConfig.ts"
import { RowsError } from "../pipeline/RowsError.ts"

// Plain flags for the keys that everybody sets: each is the same as some --set.

/** A flag that was given, and the keys that it sets. */
export interface PlainFlag {
  /** `--size 64x48`. */
  readonly text: string
  /** `--size`. */
  readonly name: string
  readonly sets: ReadonlyArray<{ readonly key: string; readonly value: string | number | LabelColumns }>
}

interface Size {
  readonly height: number
  readonly width: number
}

const sizeOf = (text: string): Option.Option<Size> => {
  const [, height, width = height] = /^(\d{1,5})(?:[x×](\d{1,5}))?$/i.exec(text) ?? []
  return height === undefined ? Option.none() : Option.some({ height: Number(height), width: Number(width) })
}

export const data = Flag.String("data").pipe(
  Flag.withMetavar("PATH"),
  Flag.withDescription(
    "The catalogue: a folder of class folders, or a CSV, JSON lines or Parquet file, or the folder of one; with --config, its folder (data.root)"
  ),
  Flag.optional
)

export const label = Flag.String("label").pipe(
  Flag.withMetavar("COLUMN"),
  Flag.withDescription(
    "The column with the class to learn, or several, which one network learns together: articleType,baseColour (data.columns.label)"
  ),
  Flag.optional
)

export const epochs = Flag.Int("epochs").pipe(
  Flag.withMetavar("N"),
  Flag.withDescription("Times that every training image is seen (train.epochs)"),
  Flag.optional
)

export const size = Flag.String("size").pipe(
  Flag.withMetavar("HxW"),
  Flag.withDescription("Height and width of the images in pixels, or one number for both (image.height, image.width)"),
  Flag.filterMap(sizeOf, (text) => `expected a height and a width such as 64x48, or one number, got ${text}`),
  Flag.optional
)

export const network = Flag.String("network").pipe(
  Flag.withMetavar("NAME"),
  Flag.withDescription("Which network is trained (network.name)"),
  Flag.optional
)

/** The values of the plain flags. */
export interface PlainValues {
  readonly data: Option.Option<string>
  readonly label: Option.Option<string>
  readonly epochs: Option.Option<number>
  readonly size: Option.Option<Size>
  readonly network: Option.Option<string>
}

/**
 * What `--label` says: one column as it was given, or several with commas between them; a name with a comma in it is
 * for `--set`.
 */
export const columnsNamed = (label: string): LabelColumns => {
  const columns = label
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "")
  return Arrays.isReadonlyArrayNonEmpty(columns) && columns.length > 1 ? columns : label
}

/** Those that were given. */
export const given = ({ data, epochs, label, network, size }: PlainValues): ReadonlyArray<PlainFlag> => {
  const single = (name: string, key: string, value: Option.Option<string | number>): ReadonlyArray<PlainFlag> =>
    Option.isNone(value) ? [] : [{ text: `${name} ${value.value}`, name, sets: [{ key, value: value.value }] }]
  const labels = Option.isNone(label)
    ? []
    : [
        {
          text: `--label ${label.value}`,
          name: "--label",
          sets: [{ key: "data.columns.label", value: columnsNamed(label.value) }]
        }
      ]
  return [
    ...single("--data", "data.root", data),
    ...labels,
    ...single("--epochs", "train.epochs", epochs),
    ...(Option.isNone(size)
      ? []
      : [
          {
            text: `--size ${size.value.height}x${size.value.width}`,
            name: "--size",
            sets: [
              { key: "image.height", value: size.value.height },
              { key: "image.width", value: size.value.width }
            ]
          }
        ]),
    ...single("--network", "network.name", network)
  ]
}

/** The same as `--set` has it; a text stays one, even where it looks like a number. */
export const setsOf = (flags: ReadonlyArray<PlainFlag>): ReadonlyArray<string> =>
  flags.flatMap(({ sets }) => sets.map(({ key, value }) => `${key}=${JSON.stringify(value)}`))

/** How errors name a configuration that flags have changed. */
export const whereOf = (place: string, flags: ReadonlyArray<PlainFlag>, sets: ReadonlyArray<string>): string => {
  const changes = [...flags.map(({ text }) => text), ...sets.map((one) => `--set ${one}`)]
  return changes.length === 0 ? place : `${place} with ${changes.join(" ")}`
}

/** Refuses a `--set` that sets what a flag sets, to something else. */
export const refuseContradictions = (flags: ReadonlyArray<PlainFlag>, sets: ReadonlyArray<string>) =>
  Effect.forEach(
    flags,
    ({ sets: own, text }) => {
      const other = sets.find((assignment) => {
        const at = assignment.indexOf("=")
        const key = assignment.slice(0, at)
        const value = assignment.slice(at + 1)
        return own.some(
          (one) =>
            one.key.startsWith(`${key}.`) ||
            (one.key === key && value !== String(one.value) && value !== JSON.stringify(one.value))
        )
      })
      return other === undefined
        ? Effect.void
        : Effect.fail(
            new ConfigError({
              where: `${text} --set ${other}`,
              problems: [`both set ${own.map(({ key }) => key).join(" and ")}: leave one of them out`]
            })
          )
    },
    { discard: true }
  )

/** A text with the flags in the place of the keys that they set. */
const withFlags = (text: string, flags: ReadonlyArray<PlainFlag>): string => {
  let named = text
  for (const { name, sets } of flags) {
    named = named.replaceAll(sets.map(({ key }) => `\`${key}\``).join(" and "), name)
    for (const { key } of sets) named = named.replaceAll(`\`${key}\``, name)
  }
  return named
}

/** Errors name the flag that was given, and not the key that it sets. */
export const namingFlags =
  (flags: ReadonlyArray<PlainFlag>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | ConfigError | RowsError | WeightsError, R> =>
    Effect.mapError(effect, (error) => {
      if (flags.length === 0) return error
      if (error instanceof ConfigError)
        return new ConfigError({
          where: error.where,
          problems: [...new Set(error.problems.map((problem) => withFlags(problem, flags)))]
        })
      if (error instanceof RowsError)
        return new RowsError({
          file: error.file,
          reason: error.reason,
          detail: withFlags(error.detail, flags),
          cure: withFlags(error.cure, flags)
        })
      if (error instanceof WeightsError)
        return new WeightsError({
          source: error.source,
          reason: error.reason,
          detail: withFlags(error.detail, flags)
        })
      const textOf = (flag: string) => flags.find(({ name }) => name === flag)?.text
      const [size, epochs] = [textOf("--size"), textOf("--epochs")]
      if (error instanceof NetworkMisfit && size !== undefined)
        return new ConfigError({ where: size, problems: [`${error.network} does not fit: ${error.detail}`] })
      if (error instanceof TrainedFurther && epochs !== undefined)
        return new ConfigError({
          where: epochs,
          problems: [`the run is in epoch ${error.epochs} already: name ${error.epochs} or more`]
        })
      return error
    })
