import { ContentStore } from "../../../src/layers/storage/ContentStore.ts"
import { entryOf, spaceOf } from "./storeEntries.ts"

// A process that fills a store of at most so many bytes: node storeWriter.ts FOLDER FIRST COUNT BYTES
const [root = "", first, count, most] = process.argv.slice(2)
const store = new ContentStore({ root, space: spaceOf("a"), most: Number(most), owner: `process-${process.pid}` })
for (let n = Number(first); n < Number(first) + Number(count); n++) {
  store.put([entryOf(n)])
  process.stdout.write(`${n}\n`)
}
