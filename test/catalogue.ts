import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import sharp from "sharp"
import { draw } from "../src/pipeline/draw.ts"

const colours: Readonly<Record<string, readonly [number, number, number]>> = {
  apple: [200, 40, 30],
  leaf: [40, 160, 50],
  plum: [90, 40, 150]
}

/**
 * A small catalogue on disk: `list.csv` (name, file, kind) and `photos/*.png`, 20x16 pixels of noise about a colour that
 * tells the kind. One row is malformed, one photo is missing, one is truncated.
 */
export const writeCatalogue = async (folder: string, perClass = 12): Promise<void> => {
  await mkdir(join(folder, "photos"), { recursive: true })
  const lines = ["name,file,kind"]
  for (const [kind, colour] of Object.entries(colours))
    for (let i = 0; i < perClass; i++) {
      const random = draw("test catalogue", kind, i)
      const data = Uint8Array.from({ length: 20 * 16 * 3 }, (_, k) =>
        Math.max(0, Math.min(255, colour[k % 3]! + random.between(-30, 30)))
      )
      const png = await sharp(data, { raw: { width: 20, height: 16, channels: 3 } })
        .png()
        .toBuffer()
      await writeFile(join(folder, "photos", `${kind}-${i}.png`), png)
      lines.push(`${kind}${i},${kind}-${i}.png,${kind}`)
    }
  lines.push("broken,with,too,many,fields", "lost,lost.png,apple", "torn,torn.png,apple")
  await writeFile(
    join(folder, "photos", "torn.png"),
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0)
  )
  await writeFile(join(folder, "list.csv"), `${lines.join("\r\n")}\r\n`)
}

/** The configuration for it, as TOML; SimpleCNN needs 48 pixels either way. */
export const catalogueConfig = (root: string): string => `
name = "test"
seed = 3
[data]
root = ${JSON.stringify(root)}
csv = "list.csv"
images = "photos/{file}"
columns = { id = "name", label = "kind" }
minPerClass = 5
maxRefused = 0.2
[image]
height = 50
width = 48
[train]
epochs = 2
batchSize = 8
learningRate = 0.002
`
