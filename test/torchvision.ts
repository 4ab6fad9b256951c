import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"

const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))

/** Lets torchvision's Python part import beside a CPU build of torch. */
const fix = at("../shared/peers")

/** The Python modules that the example for PyTorch needs; in the place of `safetensors` there is a reader of ours. */
export const torchvisionNeeds = ["torch", "torchvision", "PIL", "numpy"] as const

/** What torchvision says of a photo with an export of ours, by the example: its answer, and all logits. */
export const torchvisionSays = async (program: string, folder: string, exported: string, photo: string) => {
  const args = [at("test/runExample.py"), at("examples/safetensors-torch.py"), exported, photo]
  const output = await new Promise<string>((resolve, reject) =>
    execFile(program, existsSync(fix) ? [...args, fix] : args, { cwd: folder }, (error, stdout, stderr) =>
      error === null ? resolve(stdout) : reject(new Error(stderr, { cause: error }))
    )
  )
  const lines = output.trimEnd().split("\n")
  const logits: ReadonlyArray<number> = JSON.parse(lines.at(-1) ?? "")
  return { answer: lines.slice(0, -1).join("\n"), logits }
}
