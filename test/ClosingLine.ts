import type { Reporter, TestModule } from "vitest/node"

/** Says at the end how many tests passed, failed and were skipped, in one plain line. */
export class ClosingLine implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>): void {
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) counts[test.result().state] += 1
      // A file that does not even load has no tests to fail.
      if (module.errors().length > 0) counts.failed += 1
    }
    const { failed, passed, skipped } = counts
    process.stdout.write(`\nTests: ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`)
  }
}
