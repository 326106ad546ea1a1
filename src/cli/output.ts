import { fstatSync, writeSync } from 'node:fs'

/**
 * One of the process's streams. Nothing that is under way is broken off because it takes no more, its reader gone away
 * (`migrate history | head`), its disk full or its terminal closed: what is written from then on is dropped.
 */
export class Output {
  readonly #descriptor: 1 | 2
  #stream: NodeJS.WriteStream | undefined
  #isFile: boolean | undefined
  #taken = true
  #failure: unknown

  constructor(descriptor: 1 | 2) {
    this.#descriptor = descriptor
  }

  get columns(): number | undefined {
    return this.#open().columns || undefined
  }

  write(text: string): void {
    if (!this.#taken) return
    try {
      this.#isFile ??= fstatSync(this.#descriptor).isFile()
      if (this.#isFile) writeWhole(this.#descriptor, text)
      else this.#open().write(text)
    } catch (error) {
      this.#fail(error)
    }
  }

  /**
   * Resolves when everything that was written has left the process.
   * @returns why some of it did not; undefined too where its reader has gone away
   */
  async drain(): Promise<unknown> {
    const stream = this.#stream
    if (stream === undefined) return this.#failure
    if (this.#taken && stream.writableLength > 0)
      await new Promise<void>((resolve) => stream.write('', () => resolve()))
    // What a write came to is told in the turn after it.
    await new Promise(setImmediate)
    return this.#failure
  }

  /** A stream takes a millisecond or two to be made, and most commands need one of the two only. */
  #open(): NodeJS.WriteStream {
    if (this.#stream === undefined) {
      this.#stream = this.#descriptor === 1 ? process.stdout : process.stderr
      this.#stream.on('error', (error) => this.#fail(error))
    }
    return this.#stream
  }

  #fail(error: unknown): void {
    this.#taken = false
    const hasGone = error instanceof Error && 'code' in error && error.code === 'EPIPE'
    if (!hasGone) this.#failure ??= error
  }
}

/** Where a disk has room for the beginning alone, that is written, without an error: Node's stream would leave it at that. */
function writeWhole(descriptor: number, text: string): void {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at)
}
