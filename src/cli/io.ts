import { isatty } from 'node:tty'
import { createView, type View } from '../report/view.js'
import { Output } from './output.js'

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
  /**
   * Resolves when everything that was written has left the process.
   * @returns why some of what was for stdout did not; undefined too where its reader has gone away
   */
  drain(): Promise<unknown>
}

/** @param chosen options that commands to be typed next have to repeat */
export function processIo(chosen = ''): Io {
  const out = new Output(1)
  const err = new Output(2)
  const outIsTerminal = isatty(1)
  const errIsTerminal = isatty(2)
  return {
    out: (text) => out.write(text),
    err: (text) => err.write(text),
    outIsTerminal,
    errIsTerminal,
    canAsk: errIsTerminal && isatty(0),
    view(stream, { colour, verbose }) {
      const terminal = stream === 'out' ? outIsTerminal : errIsTerminal
      return createView({
        colour: colour && wantsColour(terminal),
        verbose,
        chosen,
        ...(terminal ? { width: (stream === 'out' ? out : err).columns ?? UNKNOWN_WIDTH } : {}),
      })
    },
    drain: async () => {
      await err.drain()
      return out.drain()
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
