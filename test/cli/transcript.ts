/**
 * A transcript: what is typed in a folder, and what comes of it.
 *
 *     Prose, at the margin.
 *
 *     file migrations/a.sql       writes a file, whose lines follow with two blanks before them
 *     $ migrate upgrade           runs a command in a shell
 *       two blanks                what it prints to stdout
 *     ! text                      what it prints to stderr
 *     exit 2                      its exit code, unless 0
 *     unchanged                   the database's file is what it was before the command
 */
export type Entry =
  | { readonly kind: 'prose'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string; readonly lines: readonly string[] }
  | {
      readonly kind: 'command'
      readonly command: string
      readonly stdout: readonly string[]
      readonly stderr: readonly string[]
      readonly code: number
      readonly unchanged: boolean
    }

const BLANKS = '  '

export function parseTranscript(text: string): Entry[] {
  const lines = text.replace(/\n$/, '').split('\n')
  const entries: Entry[] = []
  let at = 0
  const takeWhile = (prefix: string): string[] => {
    const taken: string[] = []
    for (; at < lines.length; at++) {
      const line = lines[at] ?? ''
      // A line of blanks alone loses them in editors; it belongs to the block when the block goes on after it.
      const inside = line === '' && prefix === BLANKS && blockGoesOn(lines, at)
      if (!line.startsWith(prefix) && !inside) break
      taken.push(line.slice(prefix.length))
    }
    return taken
  }
  while (at < lines.length) {
    const line = lines[at++] ?? ''
    const file = /^file (.+)$/.exec(line)
    if (file !== null) {
      entries.push({ kind: 'file', path: file[1] ?? '', lines: takeWhile(BLANKS) })
    } else if (line.startsWith('$ ')) {
      const stdout = takeWhile(BLANKS)
      const stderr = takeWhile('!').map((each) => each.replace(/^ /, ''))
      const code = /^exit (\d+)$/.exec(lines[at] ?? '')?.[1]
      if (code !== undefined) at++
      const unchanged = lines[at] === 'unchanged'
      if (unchanged) at++
      entries.push({
        kind: 'command',
        command: line.slice(2),
        stdout,
        stderr,
        code: Number(code ?? 0),
        unchanged,
      })
    } else {
      entries.push({ kind: 'prose', text: line })
    }
  }
  return entries
}

function blockGoesOn(lines: readonly string[], from: number): boolean {
  const next = lines.slice(from).find((line) => line !== '')
  return next?.startsWith(BLANKS) ?? false
}

export function formatTranscript(entries: readonly Entry[]): string {
  const blank = (line: string): string => (line === '' ? '' : BLANKS + line)
  const lines = entries.flatMap((entry) => {
    if (entry.kind === 'prose') return [entry.text]
    if (entry.kind === 'file') return [`file ${entry.path}`, ...entry.lines.map(blank)]
    return [
      `$ ${entry.command}`,
      ...entry.stdout.map(blank),
      ...entry.stderr.map((line) => `! ${line}`.trimEnd()),
      ...(entry.code === 0 ? [] : [`exit ${entry.code}`]),
      ...(entry.unchanged ? ['unchanged'] : []),
    ]
  })
  return `${lines.join('\n')}\n`
}

/** Takes out what differs from run to run: times, moments, run ids, who ran it where, and random revision ids. */
export class Normaliser {
  readonly #replacements: readonly (readonly [RegExp | string, string])[]
  readonly #known: ReadonlySet<string>
  readonly #ids = new Map<string, string>()

  /** @param source the transcript itself: ids that stand in it stay as they are */
  constructor(source: string, replacements: readonly (readonly [RegExp | string, string])[]) {
    this.#known = new Set(source.match(/\b[0-9a-f]{12}\b/g))
    this.#replacements = replacements
  }

  apply(text: string): string {
    let out = text
    for (const [from, to] of this.#replacements) out = out.replaceAll(from, to)
    return out
      .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<run>')
      .replace(/\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC( {2})[0-9a-f]{8}\b/g, '<when>$1<run>')
      .replace(/\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\b/g, '<when>')
      .replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '<when>')
      .replace(/("durationMs": )\d+(\.\d+)?/g, '$1"<time>"')
      .replace(/\b\d{8}_(?=[0-9a-f]{12}_)/g, '<date>_')
      .replace(/ *(<1|\d+(\.\d+)?) (ms|s)\b/g, ' <time>')
      .replace(/\b[0-9a-f]{12}\b/g, (id) => (this.#known.has(id) ? id : this.#nameOf(id)))
  }

  #nameOf(id: string): string {
    const name = this.#ids.get(id) ?? `<id ${this.#ids.size + 1}>`
    this.#ids.set(id, name)
    return name
  }
}
