import picocolors from 'picocolors'

type Paint = (text: string) => string

/** The few colours that reports use; each gives its text back unchanged where colours are off. */
export interface Style {
  readonly bold: Paint
  readonly dim: Paint
  readonly red: Paint
  readonly green: Paint
  readonly yellow: Paint
  readonly blue: Paint
  readonly magenta: Paint
  readonly cyan: Paint
}

/** How a report is to be drawn: a value, so that the same report can go to a terminal, a file or a test. */
export interface View {
  readonly style: Style
  /** Columns of the terminal; Infinity where there is none: nothing is cut then. */
  readonly width: number
  readonly verbose: boolean
  /** Options of the command line that say which database and files are meant; empty where there are none. */
  readonly chosen: string
}

export function createView(options: {
  readonly colour: boolean
  readonly width?: number
  readonly verbose?: boolean
  readonly chosen?: string
}): View {
  return {
    style: picocolors.createColors(options.colour),
    width: options.width ?? Infinity,
    verbose: options.verbose ?? false,
    chosen: options.chosen ?? '',
  }
}

const COMMAND =
  /\bmigrate (?=(?:upgrade|downgrade|redo|stamp|status|current|history|heads|branches|show|log|check|tag|revision|merge|edit|repair|resolve|backfill)\b(?! --help))/g

/** Words that say what to type next, so that it means the same database and files as what was typed before. */
export function typed(words: string, { chosen }: Pick<View, 'chosen'>): string {
  return chosen === '' ? words : words.replace(COMMAND, () => `migrate ${chosen} `)
}

/** A line of a unified diff. */
export function paintDiff(line: string, style: Style): string {
  if (/^(---|\+\+\+|@@)/.test(line)) return style.cyan(line)
  if (line.startsWith('+')) return style.green(line)
  if (line.startsWith('-')) return style.red(line)
  return line
}
