import { pixelsKeyOf, PixelStore } from "../../../../src/layers/images/feed/PixelStore.ts"
import { draw } from "../../../../src/pipeline/draw.ts"

// A process that fills a store of at most so many bytes: node storeWriter.ts FOLDER COUNT BYTES
const [folder = "", count, most] = process.argv.slice(2)
const store = new PixelStore(folder, Number(most))
for (let n = 0; n < Number(count); n++) {
  const { below } = draw("store", n)
  const data = Uint8Array.from({ length: 5 * 7 * 3 }, () => below(256))
  store.put(pixelsKeyOf(Buffer.from(`file ${n}`), "80x60"), { height: 5, width: 7, data })
  if (n === 50) process.stdout.write("going on\n")
}
