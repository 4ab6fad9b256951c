import type { Draw } from "../pipeline/draw.ts"
import type { Paint } from "./Paint.ts"

/** A drawn product, its middle at (0, 0); width and height in the frame's pixels before it is scaled. */
export interface Shape {
  readonly width: number
  readonly height: number
  readonly markup: string
}

/** A kind of product: its rows' cells, and its shape. */
export interface Kind {
  readonly articleType: string
  readonly masterCategory: string
  readonly subCategory: string
  /** The word for one of it, in a product's name. */
  readonly noun: string
  /** Share of all rows. */
  readonly share: number
  readonly shape: (random: Draw, paint: Paint) => Shape
}
