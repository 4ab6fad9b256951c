import { assert, describe, it } from "@effect/vitest"
import { Result, Runtime } from "effect"
import type { FolderFound, ListSample, Place } from "../../src/pipeline/CatalogueFiles.ts"
import type { Wishes } from "../../src/pipeline/guessCatalogue.ts"
import { chooseList, guessList, imageCandidates } from "../../src/pipeline/guessCatalogue.ts"
import { guessFolders } from "../../src/pipeline/guessFolders.ts"
import { minPerClassFor } from "../../src/pipeline/minPerClassFor.ts"

const folder = (path: string, images: number, ...endings: ReadonlyArray<string>): FolderFound => ({
  path,
  images,
  endings: endings.length === 0 && images > 0 ? [".jpg"] : endings
})

const place = (overrides: Partial<Place>): Place => ({
  named: "shop",
  root: "/data/shop",
  lists: [],
  folders: [folder("", 0)],
  others: [],
  ...overrides
})

/** A sample whose rows are made by a function of their number. */
const sampleOf = (
  columns: ReadonlyArray<string>,
  row: (i: number) => ReadonlyArray<string>,
  overrides: Partial<ListSample> = {}
): ListSample => ({
  file: "list.csv",
  kind: "csv",
  delimiter: ",",
  columns,
  rows: Array.from({ length: 60 }, (_, i) => row(i)),
  ...overrides
})

interface Case {
  readonly sample: ListSample
  readonly folders?: ReadonlyArray<FolderFound>
  /** Whether there is a file at a path; at all where left out. */
  readonly isThere?: (path: string) => boolean
  readonly wishes?: Wishes
}

const guessed = ({ folders = [folder("", 0), folder("images", 60)], isThere = () => true, sample, wishes }: Case) => {
  const candidates = imageCandidates(sample, folders)
  const present = new Set(candidates.flatMap(({ paths }) => paths).filter(isThere))
  return guessList(place({}), sample, candidates, present, wishes)
}

const taken = (one: Case) => {
  const guess = guessed(one)
  assert.isTrue(Result.isSuccess(guess), Result.isFailure(guess) ? guess.failure.message : "")
  const { data, line } = Result.getOrThrow(guess)
  return { data, line: line(6) }
}

const refused = (guess: Result.Result<unknown, { readonly reason: string; readonly message: string }>) => {
  assert.isTrue(Result.isFailure(guess))
  const error = Result.getOrThrow(Result.flip(guess))
  return { reason: error.reason, message: error.message, code: Runtime.getErrorExitCode(error) }
}

const isIn = (before: string, after: string) => (path: string) => path.startsWith(before) && path.endsWith(after)

describe("what a list's columns mean", () => {
  it("the fashion catalogue: the finest of its types, the id that names the files, and what else could be meant", () => {
    const columns = ["id", "gender", "masterCategory", "subCategory", "articleType", "year", "productDisplayName"]
    const row = (i: number) => [
      `${1000 + i}`,
      ["Men", "Women"][i % 2] ?? "",
      ["Apparel", "Footwear", "Accessories"][i % 3] ?? "",
      `sub${i % 5}`,
      `type${i % 12}`,
      `${2010 + (i % 4)}`,
      `Shirt number ${i}`
    ]
    const { data, line } = taken({
      sample: sampleOf(columns, row, { file: "styles.csv" }),
      isThere: isIn("images/1", ".jpg")
    })
    assert.deepStrictEqual(data, {
      root: "/data/shop",
      csv: "styles.csv",
      images: "images/{id}.jpg",
      columns: { id: "id", label: "articleType" }
    })
    assert.strictEqual(
      line,
      "styles.csv, commas; `articleType` looks like the label (6 values; or `gender`, `masterCategory`, `subCategory`: --label), `id` like the id; images/{id}.jpg"
    )
  })

  const products = (i: number) => [`S${i}`, `kind ${i % 6}`, `${i}.90`, ["red", "blue"][i % 2] ?? ""]
  it("semicolons, an id of another name, prices that are no classes", () => {
    const sample = sampleOf(["sku", "category", "price", "colour"], products, { delimiter: ";" })
    const { data, line } = taken({ sample, folders: [folder("photos", 60, ".PNG")], isThere: isIn("photos/S", ".PNG") })
    assert.strictEqual(data["images"], "photos/{sku}.PNG")
    assert.deepStrictEqual(data["columns"], { id: "sku", label: "category" })
    assert.match(
      line,
      /^list\.csv, semicolons; `category` looks like the label \(6 values; or `colour`: --label\), `sku` like the id; photos/
    )
  })

  it("a label that is named, and one that is not there", () => {
    const sample = sampleOf(["sku", "category", "price", "colour"], products)
    const { data, line } = taken({ sample, wishes: { label: "colour" }, isThere: isIn("images/S", ".jpg") })
    assert.deepStrictEqual(data["columns"], { id: "sku", label: "colour" })
    assert.match(line, /`colour` is the label/)
    const { code, message, reason } = refused(guessed({ sample, wishes: { label: "color" } }))
    assert.deepStrictEqual([reason, code], ["label", 2])
    assert.match(message, /^shop\/list\.csv: there is no column `color`, which --label names; it has `sku`, `category`/)
  })

  it("a column with names of files, beside the list and in a folder", () => {
    const row = (i: number) => [`photo ${i}.jpg`, `k${i % 3}`]
    const beside = taken({ sample: sampleOf(["file", "label"], row), isThere: (path) => path.startsWith("photo") })
    assert.strictEqual(beside.data["images"], "{file}")
    assert.deepStrictEqual(beside.data["columns"], { id: "file", label: "label" })
    const inside = taken({
      sample: sampleOf(["file", "label"], row),
      folders: [folder("", 0), folder("a/b", 60)],
      isThere: isIn("a/b/", ".jpg")
    })
    assert.strictEqual(inside.data["images"], "a/b/{file}")
  })

  it("absolute paths, whose folder is allowed where it is another one", () => {
    const at = (folder: string) => (i: number) => [`${i}`, `${folder}/${i % 2}/x${i}.jpg`, `k${i % 3}`]
    const sample = (folder: string) => sampleOf(["nr", "path", "class"], at(folder))
    const other = taken({ sample: sample("/mnt/photos") }).data
    assert.deepStrictEqual([other["images"], other["allow"]], ["{path}", ["/mnt/photos"]])
    assert.deepStrictEqual(other["columns"], { id: "nr", label: "class" })
    assert.isUndefined(taken({ sample: sample("/data/shop/x") }).data["allow"])
  })

  it("Hugging Face's imagefolder", () => {
    const sample = sampleOf(["file_name", "label"], (i) => [`train/${i}.png`, `k${i % 4}`], {
      file: "metadata.jsonl",
      kind: "jsonl"
    })
    const { data, line } = taken({
      sample,
      folders: [folder("", 0), folder("train", 60, ".png")],
      isThere: isIn("train/", ".png")
    })
    assert.strictEqual(data["jsonl"], "metadata.jsonl")
    assert.strictEqual(data["images"], "{file_name}")
    assert.deepStrictEqual(data["columns"], { id: "file_name", label: "label" })
    assert.match(line, /^metadata\.jsonl; `label`/)
  })

  it("Parquet with the images' bytes, and no id", () => {
    const sample = sampleOf(["label"], (i) => [`${i % 4}`], { file: "a.parquet", kind: "parquet", bytes: ["image"] })
    const { data, line } = taken({ sample, folders: [folder("", 0)] })
    assert.deepStrictEqual(data, {
      root: "/data/shop",
      parquet: "a.parquet",
      images: "{image}",
      columns: { label: "label" }
    })
    assert.match(line, /the images in `image`$/)
  })

  it("of several ids the one that names the files; one that repeats is none", () => {
    const row = (i: number) => [`${i}`, `P${i}`, `${i % 7}`, `k${i % 3}`]
    const sample = sampleOf(["id", "product_code", "shop_id", "label"], row)
    const { data } = taken({ sample, isThere: isIn("images/P", ".jpg") })
    assert.strictEqual(data["images"], "images/{product_code}.jpg")
    assert.deepStrictEqual(data["columns"], { id: "product_code", label: "label" })
  })

  it("a column with the part is the split's; another one of such a name is not", () => {
    const row = (word: (i: number) => string) => (i: number) => [`${i}.jpg`, `k${i % 3}`, word(i)]
    const given = taken({
      sample: sampleOf(
        ["file", "label", "split"],
        row((i) => ["train", "val", "Test"][i % 3] ?? "")
      )
    })
    assert.deepStrictEqual(given.data["split"], { by: { column: "split" } })
    assert.match(given.line, /`split` like the part/)
    const other = taken({
      sample: sampleOf(
        ["file", "label", "set"],
        row((i) => `series ${i % 5}`)
      )
    })
    assert.isUndefined(other.data["split"])
  })

  it("no plausible label, several of them, no images, addresses and no rows are refused with the flag that decides", () => {
    const file = (i: number) => `${i}.jpg`
    const none = refused(guessed({ sample: sampleOf(["file", "title"], (i) => [file(i), `title ${i}`]) }))
    assert.deepStrictEqual([none.reason, none.code], ["label", 2])
    assert.match(
      none.message,
      /no column looks like the label.*nearly every row has its own in `file`, `title`.*--label COLUMN/
    )
    const several = refused(
      guessed({ sample: sampleOf(["file", "colour", "season"], (i) => [file(i), `c${i % 4}`, `s${i % 2}`]) })
    )
    assert.match(
      several.message,
      /several columns could be the label: `colour`, `season`. Name the one to learn, such as --label colour/
    )
    const noImages = refused(
      guessed({ sample: sampleOf(["sku", "category", "price", "colour"], products), isThere: () => false })
    )
    assert.strictEqual(noImages.reason, "images")
    assert.match(
      noImages.message,
      /no column says where the images are; it has `sku`.*there is no file `images\/S0\.jpg`/
    )
    const addresses = sampleOf(["id", "url", "label"], (i) => [`${i}`, `https://cdn.example.com/${i}.jpg`, `k${i % 3}`])
    assert.match(
      refused(guessed({ sample: addresses, isThere: () => false })).message,
      /are addresses, and none is fetched unless you allow it\. Add --set 'data\.urls=\{"hosts": \["cdn\.example\.com"\]\}'/
    )
    assert.strictEqual(
      taken({ sample: addresses, isThere: () => false, wishes: { urls: true } }).data["images"],
      "{url}"
    )
    const empty = refused(guessed({ sample: { ...addresses, rows: [] } }))
    assert.deepStrictEqual([empty.reason, empty.code], ["empty", 3])
  })

  it("one plausible column that no word names is taken; a year is not preferred to it", () => {
    const sample = sampleOf(["file", "fabric", "year"], (i) => [`${i}.jpg`, `f${i % 4}`, `${2000 + (i % 9)}`])
    assert.deepStrictEqual(taken({ sample }).data["columns"], { id: "file", label: "fabric" })
  })
})

describe("what a folder is", () => {
  it("class folders, of any depth, and with parts above them", () => {
    const plain = Result.getOrThrow(
      guessFolders(place({ folders: [folder("", 0), folder("cap", 3), folder("tie/silk", 4)] }))
    )
    assert.deepStrictEqual(plain.data, { root: "/data/shop", folders: true })
    assert.strictEqual(plain.line(2), "class folders; 2 classes")
    const parts = ["train/cap", "train/tie", "val/cap", "test/tie"].map((path) => folder(path, 2))
    const found = Result.getOrThrow(
      guessFolders(place({ folders: [folder("train", 0), folder("val", 0), folder("test", 0), ...parts] }))
    )
    assert.strictEqual(found.line(2), "class folders in train, val, test; 2 classes")
  })

  it("photos without classes, one class, parts without classes and nothing are refused with the layout", () => {
    const photos = refused(guessFolders(place({ folders: [folder("", 12)] })))
    assert.deepStrictEqual([photos.reason, photos.code], ["classes", 3])
    assert.match(
      photos.message,
      /^shop: there are 12 photos in it, and nothing says their classes\. Expected a folder of images for each class/
    )
    const one = refused(guessFolders(place({ folders: [folder("", 0), folder("cap", 3), folder("empty", 0)] })))
    assert.match(one.message, /one folder of images only, `cap`/)
    const parts = refused(guessFolders(place({ folders: [folder("", 0), folder("train", 3), folder("test", 3)] })))
    assert.match(parts.message, /lie right in `train`, `test`, and no folder says their class/)
    const empty = refused(guessFolders(place({ others: ["notes.docx"] })))
    assert.strictEqual(empty.reason, "empty")
    assert.match(empty.message, /no images and no list in it; there is `notes\.docx`/)
  })

  it("of two lists one has to be named; the shards of one table are one", () => {
    const lists = (...files: ReadonlyArray<string>) =>
      chooseList({
        named: "shop/",
        lists: files.map((file) => ({ file, kind: file.endsWith("csv") ? ("csv" as const) : ("parquet" as const) }))
      })
    const { message, reason } = refused(lists("a.csv", "b.csv"))
    assert.strictEqual(reason, "several")
    assert.match(message, /there are 2 lists in it: `a\.csv`, `b\.csv`\. Name the one to read, such as shop\/a\.csv/)
    assert.deepStrictEqual(
      Result.getOrThrow(lists("data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet")),
      {
        file: "data/*.parquet",
        kind: "parquet"
      }
    )
    assert.isTrue(Result.isFailure(lists("a.parquet", "b.parquet")))
    assert.isUndefined(Result.getOrThrow(lists()))
  })
})

it("the least rows of a class are as many as the data allow", () => {
  assert.strictEqual(minPerClassFor([20, 20, 20]), 20)
  assert.strictEqual(minPerClassFor([19, 20, 20]), 10)
  assert.strictEqual(minPerClassFor([900, 800, 49, 3]), 50)
  assert.strictEqual(minPerClassFor([4, 3]), 3)
  assert.strictEqual(minPerClassFor([1000, 4]), 3)
  assert.strictEqual(minPerClassFor([1000, 2]), undefined)
  assert.strictEqual(minPerClassFor([]), undefined)
})
