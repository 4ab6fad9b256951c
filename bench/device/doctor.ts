/** What `weft doctor` finds, as one JSON line. */
import { execFileSync } from "node:child_process"

const printed = execFileSync(process.execPath, ["src/bin.ts", "doctor", "--json"], { encoding: "utf8" })
console.log(JSON.stringify(JSON.parse(printed)))
