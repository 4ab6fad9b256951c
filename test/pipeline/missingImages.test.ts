import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { DataConfig } from "../../src/pipeline/DataConfig.ts"
import { loadDataset } from "../../src/pipeline/Dataset.ts"
import { ImageConfig } from "../../src/pipeline/ImageConfig.ts"
import { Images } from "../../src/pipeline/Images.ts"
import { LoaderConfig } from "../../src/pipeline/LoaderConfig.ts"
import type { Pixels } from "../../src/pipeline/Pixels.ts"
import { Rows } from "../../src/pipeline/Rows.ts"
import { configOf } from "./rowsContract.ts"

const pixels: Pixels = { height: 1, width: 2, data: new Uint8Array(6) }

/** Loads 360 rows whose column `file` is made by `cell`, with these photos on the disk. */
const load = (
  cell: (index: number) => string,
  photo: (index: number) => string | undefined,
  data: Partial<typeof DataConfig.Encoded> = {}
) => {
  const rows = Array.from({ length: 360 }, (_, index) => [`r${index}`, index % 2 === 0 ? "a" : "b", cell(index)])
  const files = rows.flatMap((_, index) => {
    const path = photo(index)
    return path === undefined ? [] : [[`catalogue/${path}`, pixels] as const]
  })
  return loadDataset({
    root: "catalogue",
    data: configOf({ minPerClass: 3, images: "images/{file}", ...data }),
    image: Schema.decodeSync(ImageConfig)({}),
    loader: Schema.decodeSync(LoaderConfig)({}),
    seed: 1
  }).pipe(
    Effect.provide([
      Rows.layerMemory(new Map([["catalogue/list.csv", [["id", "kind", "file"], ...rows]]])),
      Images.layerMemory(new Map(files))
    ])
  )
}
const messageOf = (...given: Parameters<typeof load>) =>
  Effect.map(Effect.flip(load(...given)), (error) => {
    assert.strictEqual(error["~effect/Runtime/errorExitCode"], 3)
    assert.isBelow(error.message.length, 400)
    assert.notInclude(error.message, "maxRefused")
    return error.message
  })

describe("missingImages", () => {
  it.effect("says in one sentence that the folder is not there", () =>
    Effect.gen(function* () {
      const message = yield* messageOf(
        (i) => `r${i}.jpg`,
        () => undefined
      )
      assert.strictEqual(
        message,
        "catalogue/list.csv: none of the 48 photos looked at (of 360 listed rows) can be found: there is no folder catalogue/images. " +
          "Check `data.root` and `data.images`; are the photos unpacked there?"
      )
      const allowed = yield* messageOf(
        (i) => `r${i}.jpg`,
        () => undefined,
        { maxRefused: 1 }
      )
      assert.include(allowed, "none of the 360 photos looked at")
    })
  )

  it.effect("knows URLs, absolute paths and backslashes by their text", () =>
    Effect.gen(function* () {
      for (const images of ["{file}", "images/{file}"])
        for (const [cell, what] of [
          ["https://shop.example/a/", "these are URLs, such as"],
          ["https://shop.example/a/", 'Allow their host: `data.urls.hosts = ["shop.example"]`'],
          ["s3://bucket/", "these are URLs"],
          ["/data/shop/images/", "these are absolute paths, such as"],
          ["C:\\photos\\", "these are absolute paths"],
          ["D:/photos/", "these are absolute paths"],
          ["shop\\images\\", "these are paths with backslashes"]
        ] as const)
          if (images === "{file}" || !cell.startsWith("shop"))
            assert.include(
              yield* messageOf(
                (i) => `${cell}r${i}.jpg`,
                () => undefined,
                { images }
              ),
              what
            )
    })
  )

  it.effect("finds photos of another ending, case or folder, and says what to set where a key can mend it", () =>
    Effect.gen(function* () {
      for (const [images, cell, photo, cure] of [
        ["images/{file}.jpg", "r", "images/r.png", 'Set `data.images = "images/{file}.png"`.'],
        ["images/{file}.jpg", "r", "images/r.JPG", 'Set `data.images = "images/{file}.JPG"`.'],
        ["images/{file}.jpg", "r.jpg", "images/r.jpg", 'Set `data.images = "images/{file}"`.'],
        ["images/{file}", "r", "images/r.jpg", 'Set `data.images = "images/{file}.jpg"`.'],
        ["images/{file}.jpg", "r", "images/r.jpg.jpg", 'Set `data.images = "images/{file}.jpg.jpg"`.'],
        ["images/{file}.jpg", "r", "r.jpg", 'Set `data.images = "{file}.jpg"`.'],
        ["images/{file}", "images/r.jpg", "images/r.jpg", 'Set `data.images = "{file}"`.'],
        [
          "images/{file}",
          "r.jpg",
          "images/r.png",
          "Make the names in the list, `data.images` and the files' own the same."
        ],
        ["images/{file}", "R.JPG", "images/r.jpg", "Make the names in the list"]
      ] as const) {
        // The number of the row goes behind the name's first letter.
        const named = (text: string) => (i: number) => text.replace(/r(?=$|\.)/i, (letter) => `${letter}${i}`)
        const message = yield* messageOf(named(cell), named(photo), { images })
        assert.include(message, "but there is", `${images} ${cell} ${photo}`)
        assert.include(message, cure, `${images} ${cell} ${photo}`)
      }
      const twice = yield* messageOf(
        (i) => `r${i}.jpg`,
        () => undefined,
        { images: "images/{file}.jpg" }
      )
      assert.include(twice, 'each name ends twice, such as "images/r0.jpg.jpg"')
    })
  )

  it.effect("tells most from a few, and a few are still named row by row", () =>
    Effect.gen(function* () {
      const most = yield* messageOf(
        (i) => `r${i}.jpg`,
        (i) => (i % 5 === 0 ? `images/r${i}.jpg` : undefined)
      )
      assert.match(most, /list\.csv: \d+ of the \d+ photos looked at \(of 360 listed rows\) cannot be found/)
      const few = yield* Effect.flip(
        load(
          (i) => `r${i}.jpg`,
          (i) => (i < 19 ? undefined : `images/r${i}.jpg`)
        )
      )
      assert.include(few.message, "at least 19 of the 360 listed rows are faulty")
    })
  )
})
