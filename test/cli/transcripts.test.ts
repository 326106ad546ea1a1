import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir, userInfo } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { VERSION } from '../../src/core/version.js'
import { BIN, CliProject } from './project.js'
import { formatTranscript, Normaliser, parseTranscript, type Entry } from './transcript.js'

const folder = fileURLToPath(new URL('transcripts/', import.meta.url))

const tools = mkdtempSync(join(tmpdir(), 'revgraph-tools-'))
writeFileSync(join(tools, 'migrate'), `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`)
chmodSync(join(tools, 'migrate'), 0o755)
afterAll(() => rmSync(tools, { recursive: true, force: true }))

/** Runs a transcript in an empty folder and answers it as it came out. */
function replay(text: string, project: CliProject): Entry[] {
  const user = userInfo().username
  const host = hostname()
  const normaliser = new Normaliser(text, [
    [project.folder, '~'],
    [`${user}@${host}`, '<user>@<host>'],
    [`${user} on ${host}`, '<user> on <host>'],
    [new RegExp(`'${user}', '${host}', \\d+`, 'g'), "'<user>', '<host>', <ms>"],
    [`"${user}"`, '"<user>"'],
    [`"${host}"`, '"<host>"'],
    [new RegExp(`(?<=UTC  )${user}$`, 'gm'), '<user>'],
    [/SQLite \d+\.\d+\.\d+/g, 'SQLite <version>'],
    [VERSION, '<version>'],
  ])
  return parseTranscript(text).map((entry) => {
    if (entry.kind === 'prose') return entry
    if (entry.kind === 'file') {
      project.write({ [entry.path]: `${entry.lines.join('\n')}\n` })
      return entry
    }
    const before = database(project)
    const result = shell(entry.command, project)
    return {
      ...entry,
      stdout: linesIn(normaliser.apply(result.stdout)),
      stderr: linesIn(normaliser.apply(result.stderr)),
      code: result.status ?? -1,
      unchanged: entry.unchanged && database(project) === before,
    }
  })
}

function shell(command: string, project: CliProject) {
  return spawnSync('/bin/sh', ['-c', command], {
    cwd: project.folder,
    encoding: 'utf8',
    env: {
      PATH: `${tools}${delimiter}${process.env['PATH'] ?? ''}`,
      HOME: project.folder,
      NO_COLOR: '1',
    },
    timeout: 60_000,
  })
}

function linesIn(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}

function database(project: CliProject): string | null {
  const path = join(project.folder, 'app.db')
  return existsSync(path) ? createHash('sha256').update(readFileSync(path)).digest('hex') : null
}

describe('transcripts of the command', () => {
  const names = readdirSync(folder).filter((name) => name.endsWith('.txt'))

  it.each(names)('%s', async (name) => {
    const text = readFileSync(join(folder, name), 'utf8')
    const project = CliProject.empty()
    try {
      // `npx vitest run test/cli -u` writes down what comes of the commands; read the difference.
      await expect(formatTranscript(replay(text, project))).toMatchFileSnapshot(join(folder, name))
    } finally {
      project.remove()
    }
  })
})
