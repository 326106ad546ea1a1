import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { isShown } from './compare.js'
import { anchorsOf, blocksOf, commandsOf, type Block } from './markdown.js'
import { Session } from './session.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
const pages = ['README.md', ...docs.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)]

/** Writes what commands print into the pages instead of comparing: `UPDATE_DOCS=1 npx vitest run test/docs`. */
const update = process.env['UPDATE_DOCS'] === '1'

const SHELLS = new Set(['sh', 'bash', 'shell', 'console'])

describe.each(pages)('%s', (page) => {
  const path = join(root, page)
  const text = readFileSync(path, 'utf8')
  const blocks = blocksOf(text)

  it('says of every block of a shell what it prints, or why it is not run', () => {
    const silent = blocks.filter(
      ({ language, notes }) => SHELLS.has(language) && language !== 'console' && !notes.has('not run'),
    )
    expect(silent.map(({ start, lines }) => `line ${start}: ${lines[0] ?? ''}`)).toEqual([])
    expect(blocks.filter(({ language }) => language === '').map(({ start }) => `line ${start}`)).toEqual([])
  })

  it('leads nowhere that is not there', () => {
    const broken = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link = '']) => link)
      .filter((link) => !/^https?:/.test(link) && !leads(join(root, page, '..'), link, text))
    expect(broken).toEqual([])
  })

  it('names only scripts of npm that there are', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }
    for (const [, name] of text.matchAll(/npm run ([\w:-]+)/g)) expect(Object.keys(scripts)).toContain(name)
  })

  if (blocks.some(isRun)) {
    it('shows what its commands print', () => {
      const lines = text.split('\n')
      const session = new Session()
      // From the end, so that the places of earlier blocks stay.
      const edits: { at: number; length: number; lines: string[] }[] = []
      try {
        for (const block of blocks.filter(isRun)) play(session, block, page, edits)
      } finally {
        session.close()
      }
      for (const { at, length, lines: printed } of edits.reverse()) lines.splice(at, length, ...printed)
      if (update) writeFileSync(path, lines.join('\n'))
    }, 300_000)
  }
})

function isRun(block: Block): boolean {
  return !block.notes.has('not run') && (block.language === 'console' || block.notes.has('file'))
}

function play(
  session: Session,
  block: Block,
  page: string,
  edits: { at: number; length: number; lines: string[] }[],
): void {
  const folder = block.notes.get('folder')
  if (folder !== undefined) session.enter(folder)
  const file = block.notes.get('file')
  if (file !== undefined) {
    session.write(file, block.lines)
    return
  }
  for (const command of commandsOf(block)) {
    const printed = session.run(command.text, command.output)
    if (isShown(command.output, printed)) continue
    const at = block.start + command.outputAt
    if (update) edits.push({ at, length: command.output.length, lines: printed })
    else expect(printed, `${page}:${at}: $ ${command.text}`).toEqual(command.output)
  }
}

function leads(folder: string, link: string, text: string): boolean {
  const [file = '', anchor] = link.split('#')
  const target = join(folder, file)
  if (file !== '' && !existsSync(target)) return false
  if (anchor === undefined) return true
  return anchorsOf(file === '' ? text : readFileSync(target, 'utf8')).has(anchor)
}
