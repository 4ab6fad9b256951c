/** Loaded with `--import` before a command: at its end, writes what the process took to the file that WEFT_BENCH_USAGE names. */
import { writeFileSync } from "node:fs"

process.on("exit", () => {
  const file = process.env["WEFT_BENCH_USAGE"]
  const { maxRSS, systemCPUTime, userCPUTime } = process.resourceUsage()
  const usage = {
    seconds: Math.round(process.uptime() * 100) / 100,
    cpuSeconds: Math.round((userCPUTime + systemCPUTime) / 10_000) / 100,
    peakMiB: Math.round(maxRSS / 1024)
  }
  if (file !== undefined) writeFileSync(file, JSON.stringify(usage))
})
