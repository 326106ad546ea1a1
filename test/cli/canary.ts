import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { BIN, sqlRevision } from './project.js'

/** Every form of it has this in it, and nothing else has. */
export const NEEDLE = 'Kan4rie'
export const PASSWORD = `${NEEDLE}@/x:y"é+1`
export const ENCODED = encodeURIComponent(PASSWORD)

const GOOD = sqlRevision('a1a1a1a1', 'CREATE TABLE a (id int)')
const BAD = sqlRevision('b2b2b2b2', 'SELECT 1;\nSELECT * FROM nowhere', { parents: 'a1a1a1a1' })

export interface Place {
  readonly name: string
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly files?: Readonly<Record<string, string>>
  /** In place of all files. */
  readonly only?: Readonly<Record<string, string>>
}

/** Everywhere a password can be for `host`, with the URL that leads to it without one. */
export function placesFor(host: string, scheme: string, end: string): readonly Place[] {
  const bare = `${scheme}://canary@${host}/${end}`
  const full = `${scheme}://canary:${ENCODED}@${host}/${end}`
  const rc = (text: string) => ({ '.migraterc': text })
  return [
    { name: '--url', args: ['--url', full] },
    { name: '--url, as nobody encoded it', args: ['--url', `${scheme}://canary:${PASSWORD}@${host}/${end}`] },
    ...(scheme !== 'postgres'
      ? []
      : [
          {
            name: '--url, in its query',
            args: ['--url', `${bare}${end.includes('?') ? '&' : '?'}password=${ENCODED}`],
          },
        ]),
    { name: 'DATABASE_URL', env: { DATABASE_URL: full } },
    { name: 'MIGRATE_URL', env: { MIGRATE_URL: full } },
    { name: 'MIGRATE_PASSWORD', env: { MIGRATE_URL: bare, MIGRATE_PASSWORD: PASSWORD } },
    ...(scheme !== 'postgres'
      ? []
      : [{ name: 'PGPASSWORD', env: { DATABASE_URL: bare, PGPASSWORD: PASSWORD } }]),
    { name: '.env', files: { '.env': `DATABASE_URL='${full}'\n` } },
    { name: 'url of the configuration', files: rc(`url: ${JSON.stringify(full)}\n`) },
    {
      name: 'password of the configuration',
      files: rc(`url: ${bare}\npassword: ${JSON.stringify(PASSWORD)}\n`),
    },
    {
      name: 'passwordFile',
      files: { ...rc(`url: ${bare}\npasswordFile: secret\n`), secret: `${PASSWORD}\n` },
    },
    { name: 'urlFile', files: { ...rc('urlFile: secret\n'), secret: `${full}\n` } },
    {
      name: 'a function',
      files: {
        'migrate.config.mjs': `export default { url: '${bare}', password: async () => ${JSON.stringify(PASSWORD)} }\n`,
      },
    },
  ]
}

export const COMMANDS: readonly (readonly string[])[] = [
  ['status', '--json'],
  ['upgrade', 'head', '--verbose'],
  ['upgrade', 'head', '--json'],
  ['log', '--verbose'],
]

interface Said {
  readonly code: number
  readonly text: string
}

export async function migrate(place: Place, args: readonly string[]): Promise<Said> {
  const folder = mkdtempSync(join(tmpdir(), 'revgraph-canary-'))
  const files: Readonly<Record<string, string>> = place.only ?? {
    'migrations/a.sql': GOOD,
    'migrations/b.sql': BAD,
    ...place.files,
  }
  mkdirSync(join(folder, 'migrations'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  try {
    return await new Promise((resolve) => {
      execFile(
        process.execPath,
        [BIN, ...args, ...(place.args ?? [])],
        { cwd: folder, env: { PATH: process.env['PATH'] ?? '', HOME: folder, NO_COLOR: '1', ...place.env } },
        (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), text: stdout + stderr }),
      )
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Four at a time; what was tried, and what told. */
export async function tryAll(
  places: readonly Place[],
  commands: typeof COMMANDS,
  codes: readonly number[],
): Promise<void> {
  const waiting = places.flatMap((place) => commands.map((args) => ({ place, args })))
  const tried = waiting.length
  const told: string[] = []
  const unexpected: string[] = []
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { code, text } = await migrate(next.place, next.args)
      const what = `${next.place.name}: ${next.args.join(' ')}`
      if (text.includes(NEEDLE)) told.push(`${what}: ${text}`)
      if (!codes.includes(code)) unexpected.push(`${what}: ${code} ${text.replaceAll(NEEDLE, '…')}`)
    }
  }
  await Promise.all(Array.from({ length: 4 }, work))
  process.stderr.write(
    `canary: ${places.length} places × ${commands.length} commands: ${tried} runs, ${told.length} told\n`,
  )
  expect(told).toEqual([])
  expect(unexpected).toEqual([])
}
