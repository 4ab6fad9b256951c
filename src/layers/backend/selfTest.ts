// Run in a process of its own: a library that does not fit may end it. Prints what it found as one line of JSON.
import { createRequire } from "node:module"
import type { Binding } from "../engines/tensorflow/Binding.ts"

const [quiet = "", addon = "", kernels = ""] = process.argv.slice(2)
const require = createRequire(import.meta.url)
require(quiet)
const binding = require(addon) as Binding // the addon that was just compiled
require(kernels)
const two = binding.createTensor([1], binding.TF_FLOAT, Float32Array.of(2))
const attributes = [{ name: "T", type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT }]
const [sum] = binding.executeOp("AddV2", attributes, [two, two], 1)
console.log(JSON.stringify({ version: binding.TF_Version, sum: Number(binding.tensorDataSync(sum?.id ?? -1)[0]) }))
