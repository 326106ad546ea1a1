/** A fenced block of a Markdown file. */
export interface Block {
  /** The word after the fence: `console`, `sql`, `ts`. */
  readonly language: string
  readonly lines: readonly string[]
  /** 0-based, of the first line within the fence. */
  readonly start: number
  /**
   * What comments on the lines above the fence say, which readers do not see: `<!-- file: a.sql -->` writes the block into
   * a file, `<!-- folder: shop -->` goes to a folder that is empty unless an earlier block went there, and
   * `<!-- not run: why -->` says why a block is no test.
   */
  readonly notes: ReadonlyMap<string, string>
}

const FENCE = /^(\s*)```(\w*)\s*$/
const NOTE = /^\s*<!-- ([a-z ]+): (.*?) -->\s*$/

/** All fenced blocks, in order. */
export function blocksOf(text: string): Block[] {
  const lines = text.split('\n')
  const blocks: Block[] = []
  for (let at = 0; at < lines.length; at++) {
    const open = FENCE.exec(lines[at] ?? '')
    if (open === null) continue
    const start = at + 1
    let end = start
    while (end < lines.length && FENCE.exec(lines[end] ?? '')?.[2] !== '') end++
    const indent = open[1]?.length ?? 0
    blocks.push({
      language: open[2] ?? '',
      lines: lines.slice(start, end).map((line) => line.slice(indent)),
      start,
      notes: notesAbove(lines, at),
    })
    at = end
  }
  return blocks
}

function notesAbove(lines: readonly string[], fence: number): Map<string, string> {
  const notes = new Map<string, string>()
  for (let at = fence - 1; at >= 0; at--) {
    const note = NOTE.exec(lines[at] ?? '')
    if (note !== null) notes.set(note[1] ?? '', note[2] ?? '')
    else if ((lines[at] ?? '').trim() !== '') break
  }
  return notes
}

/** A command of a console block, and what it is shown to print. */
export interface Command {
  readonly text: string
  readonly output: readonly string[]
  /** 0-based within the block, of the command's first line of output. */
  readonly outputAt: number
}

/** Commands begin with `$ `; a backslash at the end of a line goes on with the next. */
export function commandsOf(block: Block): Command[] {
  const commands: { text: string; output: string[]; outputAt: number }[] = []
  let open = false
  block.lines.forEach((line, index) => {
    const last = commands.at(-1)
    if (line.startsWith('$ ')) {
      commands.push({ text: line.slice(2), output: [], outputAt: index + 1 })
    } else if (open && last !== undefined) {
      last.text += `\n${line}`
      last.outputAt = index + 1
    } else if (last === undefined) {
      throw new Error(`a console block begins with "$ ", not with: ${line}`)
    } else {
      last.output.push(line)
    }
    open = line.endsWith('\\') && (line.startsWith('$ ') || open)
  })
  return commands
}

/** Headings as anchors: what `#…` links lead to. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>()
  let fenced = false
  for (const line of text.split('\n')) {
    if (FENCE.test(line)) fenced = !fenced
    const heading = /^#+ (.*)$/.exec(line)?.[1]
    if (fenced || heading === undefined) continue
    anchors.add(
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replace(/\s/g, '-'),
    )
  }
  return anchors
}
