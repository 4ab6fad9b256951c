/** A decoded image: 8-bit RGB, rows from the top, `height * width * 3` bytes (HWC). */
export interface Pixels {
  readonly height: number
  readonly width: number
  readonly data: Uint8Array
}
