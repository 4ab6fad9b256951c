import { defineConfig } from "vitest/config"
import { ClosingLine } from "./test/ClosingLine.ts"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/package/consumer/**"], // another project's
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    reporters: ["default", new ClosingLine()]
  }
})
