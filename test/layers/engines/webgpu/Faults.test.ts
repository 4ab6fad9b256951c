import { assert, describe, it } from "@effect/vitest"
import { Faults, OutOfMemory } from "../../../../src/layers/engines/webgpu/Faults.ts"

class GPUOutOfMemoryError extends Error {}
class GPUValidationError extends Error {}

/** A device with room for so many bytes, which tells of its errors as Dawn's does. */
class FakeDevice extends EventTarget {
  readonly limits = { maxBufferSize: 1000, maxStorageBufferBindingSize: 800 }
  readonly printed: Array<string> = []
  readonly #lost = Promise.withResolvers<{ readonly message: string }>()
  readonly lost = this.#lost.promise
  room: number

  constructor(room: number) {
    super()
    this.room = room
  }

  fail(error: Error): void {
    const event = Object.assign(new Event("uncapturederror", { cancelable: true }), { error })
    if (this.dispatchEvent(event)) this.printed.push(error.message)
  }

  lose(message: string): void {
    this.#lost.resolve({ message })
  }

  createBuffer({ mappedAtCreation, size }: GPUBufferDescriptor): { readonly size: number } {
    if (size > this.room && mappedAtCreation === true) throw new RangeError("Array buffer allocation failed")
    if (size > this.room) this.fail(new GPUOutOfMemoryError("VK_ERROR_OUT_OF_DEVICE_MEMORY"))
    else this.room -= size
    return { size }
  }
}

const watched = (room: number) => {
  const fake = new FakeDevice(room)
  const device = fake as unknown as GPUDevice // as much of it as Faults uses
  return { fake, device, faults: new Faults(device) }
}

describe("a device's faults", () => {
  it("are thrown once, at the next look, by their first line, and not printed", () => {
    const { fake, faults } = watched(0)
    faults.check()
    fake.fail(new GPUValidationError("[Invalid Buffer] is invalid.\n - While encoding"))
    fake.fail(new GPUValidationError("what follows from it"))
    assert.throws(() => faults.check(), /^\[Invalid Buffer\] is invalid\.$/)
    faults.check()
    assert.deepStrictEqual(fake.printed, [])
  })

  it("stay where the card is lost, unless it is given back", async () => {
    for (const closes of [false, true]) {
      const { fake, faults } = watched(0)
      if (closes) faults.close()
      fake.lose("the driver was reset\nand more")
      await fake.lost
      if (closes) faults.check()
      else for (let i = 0; i < 2; i++) assert.throws(() => faults.check(), "lost (the driver was reset)")
    }
  })

  for (const mappedAtCreation of [false, true])
    it(`are no fault where room can be made${mappedAtCreation ? " for memory that is mapped" : ""}`, () => {
      const { device, fake, faults } = watched(100)
      let asked = 0
      faults.guardBuffers(() => {
        asked++
        fake.room += 200
      })
      const create = (size: number) => device.createBuffer({ size, usage: 0, mappedAtCreation })
      create(60)
      assert.strictEqual(asked, 0)
      assert.strictEqual(create(150).size, 150)
      assert.strictEqual(asked, 1)
      assert.throws(() => create(700), OutOfMemory)
      assert.strictEqual(asked, 2)
      assert.throws(() => create(801), OutOfMemory)
      assert.strictEqual(asked, 2)
      // What failed is told; nothing is left over for the next.
      faults.check()
      assert.deepStrictEqual(fake.printed, [])
    })
})
