import { isatty } from 'node:tty'
import { createView, type View } from '../report/view.js'

/** Columns of a terminal that does not say how many it has. */
const UNKNOWN_WIDTH = 80

/** The process's two streams, as commands see them. */
export interface Io {
  out(text: string): void
  err(text: string): void
  readonly outIsTerminal: boolean
  readonly errIsTerminal: boolean
  /** True when a question can be asked and answered. */
  readonly canAsk: boolean
  view(stream: 'out' | 'err', options: { readonly colour: boolean; readonly verbose: boolean }): View
  /** Resolves when everything that was written has left the process. */
  drain(): Promise<void>
}

/**
 * A reader that has gone away (`migrate history | head`) must not break a run off in its midst: what is written
 * to it from then on is dropped.
 * @param chosen options that commands to be typed next have to repeat
 */
export function processIo(chosen = ''): Io {
  const gone = new Set<number>()
  const opened = new Map<number, NodeJS.WriteStream>()
  // A stream takes a millisecond or two to be made, and most commands need one of them only.
  const open = (descriptor: 1 | 2): (() => NodeJS.WriteStream) => {
    let stream: NodeJS.WriteStream | undefined
    return () => {
      if (stream !== undefined) return stream
      stream = descriptor === 1 ? process.stdout : process.stderr
      stream.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EPIPE') throw error
        gone.add(descriptor)
      })
      opened.set(descriptor, stream)
      return stream
    }
  }
  const out = open(1)
  const err = open(2)
  const outIsTerminal = isatty(1)
  const errIsTerminal = isatty(2)
  return {
    out: (text) => {
      if (!gone.has(1)) out().write(text)
    },
    err: (text) => {
      if (!gone.has(2)) err().write(text)
    },
    outIsTerminal,
    errIsTerminal,
    canAsk: errIsTerminal && isatty(0),
    view(stream, { colour, verbose }) {
      const terminal = stream === 'out' ? outIsTerminal : errIsTerminal
      return createView({
        colour: colour && wantsColour(terminal),
        verbose,
        chosen,
        ...(terminal ? { width: (stream === 'out' ? out : err)().columns || UNKNOWN_WIDTH } : {}),
      })
    },
    drain: async () => {
      for (const [descriptor, stream] of opened) {
        if (!gone.has(descriptor) && stream.writableLength > 0) {
          await new Promise<void>((resolve) => stream.write('', () => resolve()))
        }
      }
    },
  }
}

/** https://no-color.org, and FORCE_COLOR as Node itself reads it. */
function wantsColour(terminal: boolean): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false'
  return terminal && TERM !== 'dumb'
}
