import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Page } from "playwright-core"
import { chromium, onPage, openPage } from "../../../chromium.ts"
import { serveFake } from "./fakeDesk.ts"
import type { FakeDesk, FakeOptions, Photo } from "./fakeDesk.ts"

const kinds = ["Shirts", "Tshirts", "Socks", "Sports Shoes", "Casual Shoes", "Watches"]
const hostile = `<img src=x onerror="document.title='gone'">`

const classesOf = (column: string, labels: ReadonlyArray<string>) =>
  labels.map((label, i) => ({ column, label, trained: 1000 - i * 100 }))

/** Photos whose first suggestion is the label given, or the first class. */
const photosOf = (count: number, first = (i: number) => kinds[i % 3] ?? "Shirts"): ReadonlyArray<Photo> =>
  Array.from({ length: count }, (_, i) => ({
    name: `photo ${i}.jpg`,
    suggestions: [
      [first(i), ...kinds.filter((kind) => kind !== first(i))]
        .slice(0, 5)
        .map(
          (label, at) => [label, 0.9 - (i % 7) / 100 - at * 0.2 > 0 ? 0.9 - (i % 7) / 100 - at * 0.2 : 0.01] as const
        )
    ]
  }))

const plain: FakeOptions = { columns: ["type"], classes: classesOf("type", kinds), photos: photosOf(30) }

/** Opens the page; what its console says, and what the server's schemas refuse, is a fault. */
const opened = (
  options: FakeOptions,
  use: (page: Page, desk: FakeDesk, url: string) => Promise<void>,
  expected: RegExp = /Failed to load resource/
) =>
  Effect.gen(function* () {
    const { desk, url } = yield* serveFake(options)
    const page = yield* openPage
    yield* onPage(page, async (page) => {
      const said: Array<string> = []
      page.on("console", (message) => (expected.test(message.text()) ? undefined : said.push(message.text())))
      page.on("pageerror", (error) => said.push(error.message))
      await page.setViewportSize({ width: 1280, height: 800 })
      await page.goto(url)
      await use(page, desk, url)
      assert.deepStrictEqual(said, [])
    })
    assert.deepStrictEqual(desk.problems, [])
  }).pipe(Effect.scoped)

const keys = async (page: Page, ...pressed: ReadonlyArray<string>) => {
  for (const key of pressed) await page.keyboard.press(key)
}
const shows = (page: Page, name: string) =>
  page.waitForFunction((name) => document.querySelector(".about .name")?.textContent === name, name)
/** What the last key changed is drawn, and the server has all answers. */
const saved = async (page: Page) => {
  await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))))
  await page.locator(".saved.all").waitFor()
}
const says = (page: Page, text: string | RegExp) => page.locator(".notice", { hasText: text }).first().waitFor()
const goes = async (page: Page, letter: string) => keys(page, "Escape", letter)

const browser = it.effect.skipIf(chromium === undefined)

describe("the desk's page in Chromium, by keys alone", () => {
  browser("takes the first suggestion, another line, a class by its name, and goes on", () =>
    opened(plain, async (page, desk) => {
      await shows(page, "photo 0.jpg")
      assert.strictEqual(await page.locator(".option").count(), 5)
      await keys(page, "Enter")
      await shows(page, "photo 1.jpg")
      await keys(page, "3")
      await shows(page, "photo 2.jpg")
      await page.keyboard.type("spo")
      await keys(page, "Enter")
      await shows(page, "photo 3.jpg")
      await page.keyboard.type("wat")
      await keys(page, "Backspace", "Backspace", "Backspace")
      await page.keyboard.type("c")
      await keys(page, "1")
      await shows(page, "photo 4.jpg")
      await saved(page)
      assert.deepStrictEqual(
        [0, 1, 2, 3, 4].map((i) => desk.valuesOf(`photo ${i}.jpg`)[0]),
        ["Shirts", "Socks", "Sports Shoes", "Casual Shoes", null]
      )
      const seconds = desk.log.map((one) => one.seconds ?? -1)
      assert.isTrue(seconds.every((one) => one > 0 && one < 60))
    })
  )

  browser("skips, takes back without limit, and shows what was taken back", () =>
    opened(plain, async (page, desk) => {
      await shows(page, "photo 0.jpg")
      await keys(page, "Enter", "-", "Enter")
      await shows(page, "photo 3.jpg")
      await saved(page)
      assert.strictEqual(desk.item("photo 1.jpg").state, "skipped")
      await keys(page, "Backspace")
      await shows(page, "photo 2.jpg")
      await goes(page, "u")
      await shows(page, "photo 1.jpg")
      await keys(page, "Control+z")
      await shows(page, "photo 0.jpg")
      await keys(page, "Backspace")
      await says(page, "Nothing is left to take back.")
      assert.isTrue([0, 1, 2].every((i) => desk.item(`photo ${i}.jpg`).state === "open"))
      await keys(page, "2")
      await shows(page, "photo 1.jpg")
      await saved(page)
      assert.deepStrictEqual(desk.valuesOf("photo 0.jpg"), ["Tshirts"])
    })
  )

  browser("asks for all columns of a product in one flow", () => {
    const columns = ["type", "colour", "season"] as const
    const photo = (i: number): Photo => ({
      name: `photo ${i}.jpg`,
      suggestions: [
        [
          ["Shirts", 0.8],
          ["Socks", 0.2]
        ],
        [
          ["Red", 0.6],
          ["Blue", 0.4]
        ],
        [["Summer", 0.9]]
      ]
    })
    return opened(
      {
        columns: [...columns],
        classes: [
          ...classesOf("type", kinds),
          ...classesOf("colour", ["Red", "Blue", "Green"]),
          ...classesOf("season", ["Summer", "Winter"])
        ],
        photos: Array.from({ length: 6 }, (_, i) => photo(i))
      },
      async (page, desk) => {
        await shows(page, "photo 0.jpg")
        await keys(page, "Enter", "2", "Enter")
        await shows(page, "photo 1.jpg")
        await keys(page, "Shift+Enter")
        await shows(page, "photo 2.jpg")
        await keys(page, "Enter", "0")
        await page.keyboard.type("win")
        await keys(page, "Enter")
        await shows(page, "photo 3.jpg")
        // Straight to the second column, then back to what is left.
        await keys(page, "Tab")
        await page.keyboard.type("g")
        await keys(page, "Enter", "Backspace", "2", "Enter", "Enter")
        await shows(page, "photo 4.jpg")
        await saved(page)
        assert.deepStrictEqual(
          [0, 1, 2, 3].map((i) => desk.valuesOf(`photo ${i}.jpg`)),
          [
            ["Shirts", "Blue", "Summer"],
            ["Shirts", "Red", "Summer"],
            ["Shirts", null, "Winter"],
            ["Shirts", "Blue", "Summer"]
          ]
        )
      }
    )
  })

  const sets: FakeOptions = {
    columns: ["tags", "type"],
    several: ["tags"],
    classes: [...classesOf("tags", ["red", "cotton", "striped", "linen"]), ...classesOf("type", kinds)],
    photos: Array.from({ length: 8 }, (_, i) => ({
      name: `photo ${i}.jpg`,
      // The thresholds are the classes' own: of 0.6 and 0.3, the second applies.
      suggestions: [
        [
          ["red", 0.9, 0.5],
          ["cotton", 0.6, 0.7],
          ["striped", 0.3, 0.25]
        ],
        [["Shirts", 0.8]]
      ]
    }))
  }

  browser("ticks the classes of a column with several values, and Enter confirms the set", () =>
    opened(sets, async (page, desk) => {
      const ticked = () => page.locator(".option.ticked .label").allTextContents()
      await shows(page, "photo 0.jpg")
      assert.deepStrictEqual(await ticked(), ["red", "striped"])
      await keys(page, "Enter", "Enter")
      await shows(page, "photo 1.jpg")
      // Digits tick and no longer, a name adds, a new one when asked twice.
      await keys(page, "1", "2")
      await page.keyboard.type("lin")
      await keys(page, "Enter")
      await page.keyboard.type("velvet")
      await keys(page, "Enter")
      await page.locator(".banner.strong", { hasText: "velvet" }).waitFor()
      await keys(page, "Enter")
      await page.locator(".option.ticked", { hasText: "velvet" }).waitFor()
      assert.deepStrictEqual(await ticked(), ["cotton", "striped", "linen", "velvet"])
      await keys(page, "Enter", "Enter")
      await shows(page, "photo 2.jpg")
      // That none applies takes the key twice; then all at once.
      await keys(page, "1", "3", "Enter")
      await page.locator(".banner.strong", { hasText: "none of them applies" }).waitFor()
      await keys(page, "Enter", "Enter")
      await shows(page, "photo 3.jpg")
      await keys(page, "Shift+Enter")
      await shows(page, "photo 4.jpg")
      await saved(page)
      assert.deepStrictEqual(
        [0, 1, 2, 3].map((i) => desk.valuesOf(`photo ${i}.jpg`)),
        [
          [["red", "striped"], "Shirts"],
          [["striped", "cotton", "linen", "velvet"], "Shirts"],
          [[], "Shirts"],
          [["red", "striped"], "Shirts"]
        ]
      )
      // Ticks are taken back first, then the answers.
      await keys(page, "2", "Backspace")
      assert.deepStrictEqual(await ticked(), ["red", "striped"])
      await keys(page, "Backspace")
      await shows(page, "photo 3.jpg")
      await goes(page, "a")
      await keys(page, "5")
      await page.locator(".entry .what", { hasText: "none of them" }).first().waitFor()
    })
  )

  browser("shows nothing of the model on a blind photo, and Enter answers nothing there", () =>
    opened({ ...plain, photos: photosOf(12).map((photo, i) => ({ ...photo, blind: i === 0 })) }, async (page, desk) => {
      await shows(page, "photo 0.jpg")
      assert.strictEqual(await page.locator(".option, .strip").count(), 0)
      await keys(page, "Enter")
      await says(page, "Nothing is chosen yet")
      assert.isFalse(
        desk.requests.some((one) => one.includes(desk.digestOf("photo 0.jpg")) && one.includes("neighbours"))
      )
      await page.keyboard.type("so")
      await keys(page, "Enter")
      await shows(page, "photo 1.jpg")
      await saved(page)
      assert.deepStrictEqual(desk.valuesOf("photo 0.jpg"), ["Socks"])
    })
  )

  browser("adds a class that nobody has used, when asked twice", () =>
    opened(plain, async (page, desk) => {
      await shows(page, "photo 0.jpg")
      await keys(page, "/")
      await page.keyboard.type("3/4 Trousers")
      await keys(page, "Enter")
      await page.locator(".banner.strong").waitFor()
      assert.strictEqual(desk.item("photo 0.jpg").state, "open")
      await keys(page, "Enter")
      await shows(page, "photo 1.jpg")
      await saved(page)
      assert.deepStrictEqual(desk.valuesOf("photo 0.jpg"), ["3/4 Trousers"])
    })
  )

  browser("confirms a grid by one key without those that are keyed away, which come next when tagging", () =>
    opened({ ...plain, photos: photosOf(90, (i) => (i < 80 ? "Tshirts" : "Socks")) }, async (page, desk) => {
      await shows(page, "photo 0.jpg")
      await goes(page, "g")
      await page.locator(".classes .option").first().waitFor()
      await page.keyboard.type("ts")
      await keys(page, "Enter")
      await page.locator(".cell").nth(35).waitFor()
      const names = await page
        .locator(".cell")
        .evaluateAll((cells) => cells.map((cell) => cell.getAttribute("aria-label") ?? ""))
      const [wrong = ""] = names.slice(12)
      await keys(page, "e", "r", "5", "5", "Enter")
      await page.locator(`.cell[aria-label="${wrong}"]`).waitFor({ state: "detached" })
      await saved(page)
      assert.strictEqual(desk.log.length, 34)
      // The next page is whole, and has none of those that were keyed away.
      await page.locator(".cell").nth(35).waitFor()
      const next = await page
        .locator(".cell")
        .evaluateAll((cells) => cells.map((cell) => cell.getAttribute("aria-label")))
      assert.deepStrictEqual(
        next.filter((name) => name !== null && names.includes(name)),
        []
      )
      assert.strictEqual(new Set(desk.log.map(({ change }) => change)).size, 1)
      assert.deepStrictEqual(desk.valuesOf(wrong), [null])
      // One key takes all of them back.
      await keys(page, "Backspace")
      await page.locator(`.cell[aria-label="${names[0]}"]`).waitFor()
      assert.deepStrictEqual(desk.valuesOf(names[0] ?? ""), [null])
      await keys(page, "Enter")
      await saved(page)
      assert.deepStrictEqual(desk.valuesOf(names[0] ?? ""), ["Tshirts"])
      // To the end of the class: what was keyed away is not shown again, and stays open.
      for (let left = 4; left > 0 && (await page.locator(".cell").count()) > 0; left--) {
        await keys(page, "Enter")
        await saved(page)
      }
      await page.locator(".choose").waitFor()
      assert.deepStrictEqual(
        [12, 13].map((at) => desk.item(names[at] ?? "").state),
        ["open", "open"]
      )
      await goes(page, "t")
      await shows(page, wrong)
    })
  )

  browser("mends a catalogue's label error from the audit list, and takes that back", () =>
    opened(
      {
        ...plain,
        photos: [
          ...photosOf(3),
          ...photosOf(4).map((photo, i) => ({ ...photo, name: `old ${i}.jpg`, labels: ["Watches"] }))
        ]
      },
      async (page, desk) => {
        await shows(page, "photo 0.jpg")
        await goes(page, "a")
        await page.locator(".entry").nth(3).waitFor()
        const name = (await page.locator(".entry.here .what > .quiet").textContent()) ?? ""
        // It is on its way from the key on, while it is leased too: what is taken back is this one.
        await page.route("**/v1/queue/take", async (route) => {
          await new Promise((resolve) => setTimeout(resolve, 400))
          await route.continue()
        })
        await keys(page, "x")
        await page.locator(".entry").nth(3).waitFor({ state: "detached" })
        assert.strictEqual(await page.locator(".saved.sending").count(), 1)
        await keys(page, "Backspace")
        await says(page, "Taken back: 1 photo.")
        assert.deepStrictEqual(desk.valuesOf(name), ["Watches"])
        await page.locator(".entry").nth(3).waitFor()
        assert.strictEqual(await page.locator(".entry.here .what > .quiet").textContent(), name)
        await keys(page, "x")
        await page.locator(".entry").nth(3).waitFor({ state: "detached" })
        await saved(page)
        assert.deepStrictEqual(desk.valuesOf(name), [desk.item(name).suggestions[0]?.top[0].label ?? ""])
        await keys(page, "ArrowDown")
        const second = (await page.locator(".entry.here .what > .quiet").textContent()) ?? ""
        await keys(page, "Enter")
        await shows(page, second)
        await page.keyboard.type("cas")
        await keys(page, "Enter")
        await page.locator(".entry").nth(2).waitFor({ state: "detached" })
        await saved(page)
        assert.deepStrictEqual(desk.valuesOf(second), ["Casual Shoes"])
        await keys(page, "5")
        await page.locator(".entry .what", { hasText: second }).waitFor()
        await keys(page, "1", "Backspace")
        await says(page, "Taken back: 1 photo.")
        assert.deepStrictEqual(desk.valuesOf(second), ["Watches"])
      }
    )
  )

  browser("shows another operator's answer, and both can be taken", () =>
    opened(plain, async (page, desk) => {
      await shows(page, "photo 0.jpg")
      desk.answerAs("anna", "photo 0.jpg", [{ column: "type", value: "Watches" }])
      desk.answerAs("anna", "photo 1.jpg", [{ column: "type", value: "Watches" }])
      await keys(page, "Enter")
      await says(page, "somebody else answered it first")
      await shows(page, "photo 1.jpg")
      await keys(page, "Enter")
      await page.locator(".banner", { hasText: "anna answered this photo before you" }).waitFor()
      await shows(page, "photo 0.jpg")
      // The reply to the second answer is there: it comes next.
      await says(page, "photo 1.jpg: somebody else answered it first")
      // Enter keeps what anna answered; the second line is one's own.
      await keys(page, "Enter")
      await shows(page, "photo 1.jpg")
      await keys(page, "2")
      await shows(page, "photo 2.jpg")
      await saved(page)
      assert.deepStrictEqual(desk.valuesOf("photo 0.jpg"), ["Watches"])
      assert.deepStrictEqual(
        [desk.valuesOf("photo 1.jpg"), desk.item("photo 1.jpg").answer?.operator],
        [["Tshirts"], "me"]
      )
    })
  )

  browser("keeps an answer whose lease somebody else has, and sends it when that lease is over", () =>
    opened(plain, async (page, desk) => {
      await shows(page, "photo 0.jpg")
      desk.leaseTo("anna", "photo 0.jpg", Date.now() + 1500)
      await keys(page, "2")
      await says(page, "somebody else has it until")
      await shows(page, "photo 1.jpg")
      assert.strictEqual(desk.item("photo 0.jpg").state, "open")
      await saved(page)
      assert.deepStrictEqual(desk.valuesOf("photo 0.jpg"), ["Tshirts"])
    })
  )

  browser(
    "loses no answer when connections break, replies are lost, the server fails, or the page is loaded again",
    () =>
      opened(
        plain,
        async (page, desk) => {
          await shows(page, "photo 0.jpg")
          const path = "/v1/queue/answer"
          desk.faults.push({ path, how: "drop" }, { path, how: "lost" }, { path, how: 503 })
          await keys(page, "Enter", "Enter", "Enter", "Enter", "Enter")
          await shows(page, "photo 5.jpg")
          await page.locator(".saved.offline").waitFor()
          await saved(page)
          const answers = () => desk.log.map(({ digest }) => digest)
          assert.strictEqual(new Set(answers()).size, 5)
          assert.strictEqual(answers().length, 5)
          // A page that is closed before its answer has arrived sends it when it is opened again.
          // Chromium itself tries again as long as it has connections that were used before.
          desk.faults.push(...Array.from({ length: 50 }, () => ({ path, how: "drop" }) as const))
          await keys(page, "3")
          await page.locator(".saved.offline").waitFor()
          desk.faults.length = 0
          await page.reload()
          await saved(page)
          await shows(page, "photo 6.jpg")
          assert.deepStrictEqual(desk.valuesOf("photo 5.jpg"), ["Tshirts"])
        },
        /Failed to load resource|ERR_/
      )
  )

  browser("signs in by a token, and again without losing an answer when the session is over", () =>
    opened({ ...plain, tokens: { "token of anna": { name: "anna", role: "operator" } } }, async (page, desk) => {
      await page.locator("#token").waitFor()
      await page.keyboard.type("wrong")
      await keys(page, "Enter")
      await page.locator(".message", { hasText: "not known" }).waitFor()
      await keys(page, "Control+a")
      await page.keyboard.type("token of anna")
      await keys(page, "Enter")
      await shows(page, "photo 0.jpg")
      assert.strictEqual(await page.locator("nav button", { hasText: "Models" }).count(), 0)
      desk.sessions.clear()
      await keys(page, "Enter")
      await page.locator("#token").waitFor()
      await page.keyboard.type("token of anna")
      await keys(page, "Enter")
      await shows(page, "photo 1.jpg")
      await saved(page)
      assert.deepStrictEqual(
        [desk.valuesOf("photo 0.jpg"), desk.item("photo 0.jpg").answer?.operator],
        [["Shirts"], "anna"]
      )
    })
  )

  browser("shows different photos in two tabs, and what one answers leaves the other", () =>
    opened(plain, async (first, desk, url) => {
      // Tabs of one browser share what they keep; `page` is in a browser of its own.
      const context = await first.context().browser()?.newContext()
      const page = await context?.newPage()
      const other = await context?.newPage()
      if (page === undefined || other === undefined) return assert.fail("no page")
      await first.close()
      await page.goto(url)
      await shows(page, "photo 0.jpg")
      await other.goto(url)
      await shows(other, "photo 1.jpg")
      await keys(other, "Enter")
      await shows(other, "photo 2.jpg")
      await saved(other)
      await keys(page, "Enter")
      await shows(page, "photo 3.jpg")
      await saved(page)
      assert.strictEqual(new Set(desk.log.map(({ digest }) => digest)).size, 2)
    })
  )

  browser("runs nothing that a label, a file's name or an operator's name holds", () =>
    opened(
      {
        columns: [hostile],
        classes: classesOf(hostile, [hostile, "javascript:alert(1)", ...kinds]),
        photos: [
          ...photosOf(3, () => hostile).map((photo) => ({ ...photo, name: `${hostile}.jpg` })),
          ...photosOf(2, () => "Socks").map((photo) => ({ ...photo, name: `‮${hostile} old`, labels: [hostile] }))
        ]
      },
      async (page, desk) => {
        await shows(page, `${hostile}.jpg`)
        await page.keyboard.type("<img")
        await page.locator(".option .label", { hasText: hostile }).first().waitFor()
        await keys(page, "Enter")
        await saved(page)
        assert.strictEqual(desk.log[0]?.to, hostile)
        for (const view of ["g", "a", "p", "m"]) {
          await goes(page, view)
          await page.locator("main").waitFor()
        }
        assert.strictEqual(await page.title(), "Weft desk")
        assert.strictEqual(await page.locator("img[src='x']").count(), 0)
      }
    )
  )

  browser("retrains, promotes and rolls back by an admin's keys, after a question", () => {
    const model = (name: string, state: "live" | "former" | "passed" | "heldBack") => ({
      model: name,
      run: `runs/${name}`,
      state,
      offered: 1_790_000_000_000,
      answers: 10,
      promoted: null,
      by: null,
      verdict: {
        passes: state !== "heldBack",
        reasons:
          state === "heldBack"
            ? [{ column: "type", of: "accuracy" as const, detail: "Accuracy falls by 1.4 points." }]
            : [],
        columns: []
      }
    })
    const models = [model("new", "passed"), model("bad", "heldBack"), model("now", "live")]
    const stateOf = (desk: FakeDesk, name: string) => desk.models.find((one) => one.model === name)?.state
    return opened({ ...plain, models }, async (page, desk) => {
      await shows(page, "photo 0.jpg")
      await goes(page, "m")
      await page.locator(".entry").nth(2).waitFor()
      await keys(page, "ArrowDown")
      await page.locator(".verdict", { hasText: "Accuracy falls by 1.4 points." }).waitFor()
      await keys(page, "ArrowUp", "Shift+P", "x")
      assert.strictEqual(stateOf(desk, "now"), "live")
      await keys(page, "Shift+P", "Enter")
      await page.locator(".entry", { hasText: "new" }).locator(".live").waitFor()
      await keys(page, "Shift+B", "Enter")
      await page.locator(".entry", { hasText: "now" }).locator(".live").waitFor()
      await keys(page, "Shift+R", "Enter")
      await page.locator(".retraining", { hasText: "epoch 1 of 4" }).waitFor()
      assert.strictEqual(stateOf(desk, "now"), "live")
    })
  })

  browser("has the next ten photos before they are looked at, and the help by a key", () =>
    opened(plain, async (page, desk) => {
      await shows(page, "photo 0.jpg")
      await page.waitForFunction(
        () => performance.getEntriesByType("resource").filter(({ name }) => name.includes("size=1024")).length >= 11
      )
      const asked = new Set(desk.requests.filter((one) => one.endsWith("/thumbnail")))
      for (let i = 0; i <= 10; i++)
        assert.isTrue(asked.has(`GET /v1/images/${desk.digestOf(`photo ${i}.jpg`)}/thumbnail`), `photo ${i}`)
      await keys(page, "?")
      await page.locator(".card.help").waitFor()
      await keys(page, "Escape", " ")
      await page.locator(".stage.zoomed").waitFor()
      await keys(page, "ArrowRight", "Escape")
      await page.locator(".stage:not(.zoomed)").waitFor()
    })
  )

  browser("ticks and confirms a set by touch at 390 pixels", () =>
    Effect.gen(function* () {
      const { desk, url } = yield* serveFake(sets)
      const first = yield* openPage
      yield* onPage(first, async (first) => {
        const context = await first
          .context()
          .browser()
          ?.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true })
        const page = await context?.newPage()
        if (page === undefined) return assert.fail("no page")
        await page.goto(url)
        await shows(page, "photo 0.jpg")
        assert.strictEqual(await page.evaluate("document.documentElement.scrollWidth"), 390)
        await page.locator(".option").nth(1).tap()
        await page.locator("button.first", { hasText: "Confirm 3" }).tap()
        await page.locator(".option", { hasText: "Shirts" }).tap()
        await shows(page, "photo 1.jpg")
        await saved(page)
        assert.deepStrictEqual(desk.valuesOf("photo 0.jpg"), [["red", "striped", "cotton"], "Shirts"])
      })
      assert.deepStrictEqual(desk.problems, [])
    }).pipe(Effect.scoped)
  )

  for (const scheme of ["light", "dark"] as const)
    browser(`fits 390 pixels and works by touch, ${scheme}`, () =>
      Effect.gen(function* () {
        const { desk, url } = yield* serveFake({ ...plain, photos: photosOf(40, () => "Tshirts") })
        const first = yield* openPage
        yield* onPage(first, async (first) => {
          const context = await first
            .context()
            .browser()
            ?.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, colorScheme: scheme })
          const page = await context?.newPage()
          if (page === undefined) return assert.fail("no page")
          await page.goto(url)
          await shows(page, "photo 0.jpg")
          const fits = async (what: string) =>
            assert.strictEqual(await page.evaluate("document.documentElement.scrollWidth"), 390, what)
          await fits("tag")
          await page.locator(".option").nth(1).tap()
          await shows(page, "photo 1.jpg")
          await saved(page)
          assert.deepStrictEqual(desk.valuesOf("photo 0.jpg"), ["Shirts"])
          for (const view of ["Grid", "Audit", "Progress", "Models"]) {
            await page.locator("nav button", { hasText: view }).tap()
            await page.locator("main").waitFor()
            await fits(view)
          }
          await page.locator("nav button", { hasText: "Grid" }).tap()
          await page.locator(".option").first().tap()
          await page.locator(".cell").nth(11).waitFor()
          await page.locator(".cell").nth(1).tap()
          await page.locator("button.first").tap()
          await saved(page)
          assert.strictEqual(desk.log.length, 12)
        })
        assert.deepStrictEqual(desk.problems, [])
      }).pipe(Effect.scoped)
    )
})
