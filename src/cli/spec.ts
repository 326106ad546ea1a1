import type { Context } from './context.js'

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

/** What was typed after a command's name. Options go by their long name, as it is typed. */
export interface Input {
  readonly args: readonly string[]
  flag(name: string): boolean
  value(name: string): string | undefined
  values(name: string): readonly string[]
}

/** @param parsed by long name in camel case, as the parser gives them */
export function createInput(args: readonly string[], parsed: Readonly<Record<string, unknown>>): Input {
  const at = (name: string): unknown => parsed[camel(name)]
  return {
    args,
    flag: (name) => at(name) === true,
    value: (name) => {
      const value = at(name)
      return typeof value === 'string' ? value : undefined
    },
    values: (name) => {
      const value = at(name)
      return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
    },
  }
}

function camel(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
