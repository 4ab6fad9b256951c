/** The graphics card's memory is full, or a tensor is larger than the card takes. */
export class OutOfMemory extends Error {}

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`

/**
 * What goes wrong on a device. WebGPU tells of it in events, and goes on with numbers that mean nothing; here the next
 * use of the device throws it.
 */
export class Faults {
  readonly #device: GPUDevice
  #first: Error | undefined
  #lost: Error | undefined
  #closing = false

  constructor(device: GPUDevice) {
    this.#device = device
    device.addEventListener("uncapturederror", (event) => {
      const { error } = event as GPUUncapturedErrorEvent // the only event of this name
      event.preventDefault() // else Dawn prints it
      const isMemory = error.constructor.name === "GPUOutOfMemoryError"
      this.#first ??= isMemory ? new OutOfMemory("the graphics card's memory is full") : new Error(firstLine(error))
    })
    void this.#watch()
  }

  /** Throws what went wrong since the last call; a device that is lost stays lost. */
  check(): void {
    const fault = this.#lost ?? this.#first
    this.#first = undefined
    if (fault !== undefined) throw fault
  }

  /** What a failed read is due to: a device's loss is told after it. */
  async explain(cause: unknown): Promise<unknown> {
    await new Promise((resolve) => setImmediate(resolve))
    const fault = this.#lost ?? this.#first ?? cause
    this.#first = undefined
    return fault
  }

  /** Makes `createBuffer` throw where there is no room; `makeRoom` is tried once before. */
  guardBuffers(makeRoom: () => void): void {
    const device = this.#device
    const create = device.createBuffer.bind(device)
    const most = Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize)
    const attempt = (descriptor: GPUBufferDescriptor): GPUBuffer => {
      const buffer = create(descriptor) // throws a RangeError where memory is to be mapped and there is none
      this.check()
      return buffer
    }
    device.createBuffer = (descriptor) => {
      if (descriptor.size > most)
        throw new OutOfMemory(`a tensor of ${mebibytes(descriptor.size)}, where ${mebibytes(most)} are the most`)
      this.check()
      try {
        return attempt(descriptor)
      } catch (cause) {
        if (!(cause instanceof OutOfMemory || cause instanceof RangeError)) throw cause
      }
      this.#first = undefined
      makeRoom()
      try {
        return attempt(descriptor)
      } catch (cause) {
        this.#first = undefined
        if (!(cause instanceof RangeError)) throw cause
        throw new OutOfMemory(`no room for ${mebibytes(descriptor.size)}`)
      }
    }
  }

  async #watch(): Promise<void> {
    const { message } = await this.#device.lost
    if (!this.#closing) this.#lost = new Error(`the graphics card was lost (${firstLine({ message })})`)
  }

  /** From here on, losing the device is as it should be. */
  close(): void {
    this.#closing = true
  }
}

const firstLine = ({ message }: { readonly message: string }): string => message.replace(/\n.*/s, "").trim()
