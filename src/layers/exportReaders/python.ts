import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { ReadRequest, ReadResult } from "../../model/export/ExportReaders.ts"
import { weftCommand } from "../../config/weftCommand.ts"

/** The Pythons to try: the environment's WEFT_PYTHON, else the usual names. */
const pythons = () => {
  const named = process.env["WEFT_PYTHON"]
  return named === undefined ? ["python3", "python"] : [named]
}

const run = (program: string, args: ReadonlyArray<string>) =>
  new Promise<{ readonly ok: boolean; readonly output: string; readonly errors: string }>((resolve) => {
    const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: "3", CUDA_VISIBLE_DEVICES: "-1" }
    execFile(program, [...args], { env }, (error, output, errors) => resolve({ ok: error === null, output, errors }))
  })

/** The first Python that has TensorFlow, without loading it, which takes seconds. */
const findPython = async () => {
  const probe = "import importlib.util, sys; sys.exit(importlib.util.find_spec('tensorflow') is None)"
  for (const program of pythons()) if ((await run(program, ["-c", probe])).ok) return program
  return undefined
}

/** Runs an exported SavedModel by Python's TensorFlow; where there is none, gives what is missing. */
export const readByPython = async (request: ReadRequest): Promise<ReadResult> => {
  const program = await findPython()
  if (program === undefined)
    return {
      _tag: "NoReader",
      reason:
        `TensorFlow is not here. Install the backend (${weftCommand("backend-install")}), or name a Python that has ` +
        "TensorFlow in WEFT_PYTHON, and export again"
    }
  const folder = await mkdtemp(join(tmpdir(), "weft-export-"))
  try {
    const batches = await Promise.all(
      request.batches.map(async ({ data, shape }, i) => {
        const file = join(folder, `batch-${i}.bin`)
        await writeFile(file, data)
        return { file, shape, type: data instanceof Uint8Array ? "uint8" : "float32" }
      })
    )
    const task = { folder: request.folder, outputs: request.outputs, batches }
    const script = join(import.meta.dirname, "saved_model.py")
    const { errors, ok, output } = await run(program, [script, JSON.stringify(task)])
    if (!ok) throw new Error(errors.trim().split("\n").at(-1) ?? "it says nothing")
    const outputs = await Promise.all(
      batches.map(({ file }) =>
        Promise.all(
          request.outputs.map(
            async (_, i) => new Float32Array(new Uint8Array(await readFile(`${file}.${i}.out`)).buffer)
          )
        )
      )
    )
    return { _tag: "Read", reader: `TensorFlow ${output.trim()} (Python)`, outputs }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
