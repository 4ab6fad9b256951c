import type { Reporter, TestCase } from "vitest/node"

const print = (line: Readonly<Record<string, unknown>>) => process.stdout.write(`\n${JSON.stringify(line)}\n`)

/**
 * Prints each test that has run as a JSON line when it is done, since a time limit loses none of those before it; then how
 * many there were.
 */
// oxlint-disable-next-line import/no-default-export -- vitest takes the default export of a reporter that is named to it
export default class EachTest implements Reporter {
  readonly #counts = { passed: 0, failed: 0, skipped: 0 }

  onTestCaseResult(test: TestCase): void {
    const { errors, state } = test.result()
    if (state === "pending") return
    this.#counts[state]++
    if (state === "skipped") return
    const ms = Math.round(test.diagnostic()?.duration ?? 0)
    const why = errors?.map(({ message }) => message.slice(0, 500))
    print({ test: test.fullName, state, ms, ...(why !== undefined && why.length > 0 && { why }) })
  }

  onTestRunEnd(): void {
    print({ tests: this.#counts })
    // A pattern that matches no test would pass as a contract that holds.
    if (this.#counts.passed + this.#counts.failed === 0) process.exitCode = 1
  }
}
