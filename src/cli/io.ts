import { createView, type View } from '../report/view.js'

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
 */
export function processIo(): Io {
  const gone = new Set<NodeJS.WriteStream>()
  const watch = (stream: NodeJS.WriteStream): NodeJS.WriteStream =>
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      gone.add(stream)
    })
  const out = watch(process.stdout)
  const err = watch(process.stderr)
  const write = (stream: NodeJS.WriteStream, text: string): void => {
    if (!gone.has(stream)) stream.write(text)
  }
  return {
    out: (text) => write(out, text),
    err: (text) => write(err, text),
    outIsTerminal: out.isTTY,
    errIsTerminal: err.isTTY,
    canAsk: process.stdin.isTTY && err.isTTY,
    view(stream, { colour, verbose }) {
      const target = stream === 'out' ? out : err
      return createView({
        colour: colour && wantsColour(target.isTTY),
        verbose,
        ...(target.isTTY ? { width: target.columns } : {}),
      })
    },
    drain: async () => {
      for (const stream of [out, err]) {
        if (!gone.has(stream) && stream.writableLength > 0) {
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
