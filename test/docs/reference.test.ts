import { readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { createMigrator } from '../../src/index.js'
import { COMMANDS } from '../../src/cli/commands/index.js'
import { VARIABLES } from '../../src/files/config.js'
import { CONFIG_KEYS } from '../../src/files/config-schema.js'
import { LAYOUTS, LEDGERS } from '../../src/files/index.js'
import { blocksOf } from './markdown.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (name: string): string => readFileSync(join(root, name), 'utf8')
const pages = ['README.md', 'docs/guide.md', 'docs/library.md', 'docs/backends.md']

/** Rows of the table below a heading, as their cells. */
function tableUnder(page: string, heading: string): string[][] {
  const section = page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  return [...section.matchAll(/^\| (.*) \|$/gm)]
    .map(([, row = '']) => row.split('|').map((cell) => cell.trim()))
    .filter(([first = '']) => first.startsWith('`'))
}

const wordsOf = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word)

describe('the reference', () => {
  it('has every option of the configuration, and its variable', () => {
    const rows = tableUnder(read('docs/guide.md'), 'Configuration')
    const groups = new Set(['metadata', 'templates', 'ssl'])
    expect(rows.map(([option = '']) => wordsOf(option)[0]).toSorted()).toEqual(
      CONFIG_KEYS.filter((key) => !groups.has(key)).toSorted(),
    )
    const variables = rows.flatMap(([option = '', variable = '']) =>
      wordsOf(variable).map((name) => [name, wordsOf(option)[0]]),
    )
    expect(Object.fromEntries(variables)).toEqual(VARIABLES)
  })

  it('has every layout', () => {
    const rows = tableUnder(read('docs/guide.md'), 'Files of other tools')
    const names = ['revgraph', ...rows.map(([name = '']) => wordsOf(name)[0])]
    expect(names.toSorted()).toEqual(LAYOUTS.map(({ name }) => name).toSorted())
  })

  it('has every tool whose record can be read', () => {
    const rows = tableUnder(read('docs/guide.md'), 'Taking a database over')
    const found = rows.map(([from = '', record = '']) => [wordsOf(from)[0], wordsOf(record)[0]])
    expect(found.toSorted()).toEqual(LEDGERS.map(({ tool, table }) => [tool, table]).toSorted())
  })

  it('has every method of the library', () => {
    const rows = tableUnder(read('docs/library.md'), 'Methods')
    const names = rows.map(([call = '']) => /^`(\w+)/.exec(call)?.[1])
    expect(names.toSorted()).toEqual(Object.keys(createMigrator()).toSorted())
  })

  it('names only commands that there are', () => {
    const known = new Set([...COMMANDS.map(({ name }) => name), 'help'])
    for (const page of [...pages, 'docs/errors.md', 'CHANGELOG.md']) {
      for (const [call, name = ''] of read(page).matchAll(/(?:`|\$ )migrate ([a-z]+)/g)) {
        expect(known.has(name), `${page}: ${call}`).toBe(true)
      }
    }
  })
})

describe('snippets of TypeScript', () => {
  it('compile against the library as it is, as strictly as the library itself', () => {
    const files = new Map<string, { readonly text: string; readonly place: string }>()
    for (const page of pages) {
      for (const block of blocksOf(read(page)).filter(({ language }) => language === 'ts')) {
        const name = join(root, 'test', 'docs', `${basename(page, '.md')}-${block.start}.snippet.ts`)
        files.set(name, { text: block.lines.join('\n'), place: `${page}:${block.start}` })
      }
    }
    expect(files.size).toBeGreaterThan(8)
    expect(problemsIn(files)).toEqual([])
  }, 300_000)
})

function problemsIn(files: ReadonlyMap<string, { readonly text: string; readonly place: string }>): string[] {
  const config = ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)).config,
    ts.sys,
    root,
  )
  // Readers need not be as strict as we are with the environment.
  const options = { ...config.options, noPropertyAccessFromIndexSignature: false }
  const disk = ts.createCompilerHost(options)
  const host = ts.createCompilerHost(options)
  host.fileExists = (name) => files.has(name) || disk.fileExists(name)
  host.readFile = (name) => files.get(name)?.text ?? disk.readFile(name)
  host.getSourceFile = (name, version, ...rest) => {
    const text = files.get(name)?.text
    return text === undefined
      ? disk.getSourceFile(name, version, ...rest)
      : ts.createSourceFile(name, text, version)
  }
  const program = ts.createProgram([...files.keys()], options, host)
  return [...files].flatMap(([name, { place }]) => {
    const source = program.getSourceFile(name)
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ messageText }) => `${place}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
    )
  })
}

describe('decisions', () => {
  const names = readdirSync(join(root, 'docs', 'decisions'))

  it('are numbered one after another', () => {
    const numbers = names.map((name) => Number(/^(\d{4})-[a-z0-9-]+\.md$/.exec(name)?.[1]))
    expect(numbers.toSorted((a, b) => a - b)).toEqual(names.map((_, index) => index + 1))
  })

  it.each(names)('%s says why, what, and what follows', (name) => {
    const headings = [...read(`docs/decisions/${name}`).matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)
    expect(headings).toEqual(['Why', 'Decision', 'What follows'])
  })
})
