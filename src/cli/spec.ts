import type { Context } from './context.js'
import type { Input } from './input.js'

/** A command as data: what it takes, how it is explained, what it does. Knows nothing of the parser. */
export interface CommandSpec {
  /** More than the summary: a paragraph or two for `--help`. */
  readonly details?: string
  readonly arguments?: readonly ArgumentSpec[]
  readonly options?: readonly OptionSpec[]
  readonly examples: readonly (readonly [command: string, meaning: string])[]
  run(context: Context, input: Input): Promise<void>
}

export interface ArgumentSpec {
  /** `<required>`, `[optional]`, `[several...]`. */
  readonly syntax: string
  readonly description: string
}

export interface OptionSpec {
  /** `-m, --message <text>`. */
  readonly flags: string
  readonly description: string
  /** May be given several times. */
  readonly repeatable?: boolean
}

export interface CommandEntry {
  readonly name: string
  readonly group: string
  readonly summary: string
  readonly load: () => Promise<{ readonly command: CommandSpec }>
}
