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
