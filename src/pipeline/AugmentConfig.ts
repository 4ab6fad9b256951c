import { Schema, Struct } from "effect"
import { augmentations } from "./augmentations.ts"
import { mixSettings } from "./mix.ts"

/** The intersection of a union's members. */
type All<U> = (U extends unknown ? (one: U) => void : never) extends (all: infer I) => void ? I : never

type Settings = All<(typeof augmentations)[number]["settings"]>

// All operations' settings together; the type is derived from the same list.
const settings = Object.assign({}, ...augmentations.map((one) => one.settings)) as Settings

/** Random changes to the training images, the settings of all operations; the defaults change nothing. */
export const AugmentConfig = Schema.Struct({ ...settings, ...mixSettings })
export type AugmentConfig = typeof AugmentConfig.Type

/** The settings that change a single image: all but those of mixing, which makes one image of two. */
export const imageChanges = (augment: AugmentConfig) => Struct.omit(augment, ["mixup", "cutmix", "mixSwitch"])
export type ImageChanges = ReturnType<typeof imageChanges>
