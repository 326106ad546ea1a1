import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir, userInfo } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { BIN, CliProject } from './project.js'
import { formatTranscript, Normaliser, parseTranscript, type Entry } from './transcript.js'

const folder = fileURLToPath(new URL('transcripts/', import.meta.url))
/** MIGRATE_UPDATE_TRANSCRIPTS=1 writes down what comes of the commands; read the difference. */
const update = process.env['MIGRATE_UPDATE_TRANSCRIPTS'] === '1'

const tools = mkdtempSync(join(tmpdir(), 'revgraph-tools-'))
writeFileSync(join(tools, 'migrate'), `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`)
chmodSync(join(tools, 'migrate'), 0o755)
afterAll(() => rmSync(tools, { recursive: true, force: true }))

/** Runs a transcript in an empty folder and answers it as it came out. */
function replay(text: string, project: CliProject): Entry[] {
  const normaliser = new Normaliser(text, [
    [project.folder, '~'],
    [`${userInfo().username}@${hostname()}`, '<user>@<host>'],
    [`${userInfo().username} on ${hostname()}`, '<user> on <host>'],
    [new RegExp(`\\b${userInfo().username}$`, 'gm'), '<user>'],
    [/SQLite \d+\.\d+\.\d+/g, 'SQLite <version>'],
  ])
  return parseTranscript(text).map((entry) => {
    if (entry.kind === 'prose') return entry
    if (entry.kind === 'file') {
      project.write({ [entry.path]: `${entry.lines.join('\n')}\n` })
      return entry
    }
    if (entry.kind === 'holds') return { ...entry, lines: linesOf(project, entry.path) }
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

function linesOf(project: CliProject, path: string): string[] {
  return linesIn(readFileSync(join(project.folder, path), 'utf8'))
}

function database(project: CliProject): string | null {
  const path = join(project.folder, 'app.db')
  return existsSync(path) ? createHash('sha256').update(readFileSync(path)).digest('hex') : null
}

describe('transcripts of the command', () => {
  const names = readdirSync(folder).filter((name) => name.endsWith('.txt'))

  it.each(names)('%s', (name) => {
    const text = readFileSync(join(folder, name), 'utf8')
    const project = CliProject.empty()
    try {
      const came = formatTranscript(replay(text, project))
      if (update) writeFileSync(join(folder, name), came)
      else expect(came).toBe(text)
    } finally {
      project.remove()
    }
  })
})
