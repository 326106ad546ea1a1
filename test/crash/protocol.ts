/** One message of a client, or one frame of a server's answer, with the bytes that it came in. */
export interface ClientFrame {
  readonly bytes: Buffer
  /** What the frame asks for; null for what belongs to logging in. */
  readonly text: string | null
}

export interface ServerFrame {
  readonly bytes: Buffer
  /** `part`: a statement of the message is answered; `end`: all of them are. */
  readonly answer: 'none' | 'part' | 'end'
}

/** Cuts the two streams of one connection into frames, and understands as much of them as counting needs. */
export interface Protocol {
  /** Whether the end of an answer is the answer to the last statement (MySQL), or comes after it (PostgreSQL). */
  readonly endIsAnswer: boolean
  /** Whether messages are sent before those before them are answered; the answers come in the same order. */
  readonly pipelined?: true
  /** Whether the driver connects again by itself: who is cut off finds the server there again. */
  readonly reconnects?: true
  fromClient(chunk: Buffer): ClientFrame[]
  fromServer(chunk: Buffer): ServerFrame[]
}

/** Collects bytes until there are as many as a frame has. */
export class Frames {
  #left: Buffer = Buffer.alloc(0)

  /** @param length of the frame that begins with these bytes; null when more are needed to tell */
  cut(chunk: Buffer, length: (start: Buffer) => number | null): Buffer[] {
    const frames: Buffer[] = []
    let bytes = this.#left.length === 0 ? chunk : Buffer.concat([this.#left, chunk])
    for (;;) {
      const size = length(bytes)
      if (size === null || bytes.length < size) break
      frames.push(bytes.subarray(0, size))
      bytes = bytes.subarray(size)
    }
    this.#left = bytes
    return frames
  }
}
