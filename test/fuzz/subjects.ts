import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseDuration } from '../../src/core/duration.js'
import { MigrateError } from '../../src/core/errors.js'
import { buildGraph } from '../../src/core/graph.js'
import { maskKnown, maskQuoted, maskSecrets, secretsOf } from '../../src/core/mask.js'
import { parseRange, parseTarget, printTarget } from '../../src/core/target.js'
import { targetOf } from '../../src/backends/postgres/config.js'
import { configOf } from '../../src/backends/mysql/config.js'
import { maskUrl, parseServerUrl } from '../../src/backends/sql/url.js'
import { parseSqliteUrl } from '../../src/backends/sqlite/url.js'
import { resolveConfig } from '../../src/files/config.js'
import { readDotenv } from '../../src/files/dotenv.js'
import { readCodeHeader } from '../../src/files/js-header.js'
import { LAYOUTS, readRevisions } from '../../src/files/revisions.js'
import { canonicalHeader } from '../../src/files/sql-canonical.js'
import { parseSqlFile } from '../../src/files/sql-markers.js'
import { commandExcerpt as mongoExcerpt } from '../../src/schema/mongo/excerpt.js'
import { commandExcerpt as redisExcerpt } from '../../src/schema/redis/excerpt.js'
import { sqlExcerpt } from '../../src/sql/excerpt.js'
import { hasOnlyComments, scanSql, splitSql, stripForChecksum, type SqlDialect } from '../../src/sql/index.js'

/** Something that reads what others wrote. It may refuse with a MigrateError, and with nothing else. */
export interface Subject {
  readonly name: string
  /** Characters; what has more is refused unread, and would try nothing. */
  readonly most?: number
  /** Answers false when a text is read wrongly: a part of it lost. */
  readonly run?: (text: string) => unknown
  /** The same, of a file's bytes. */
  readonly runFile?: (content: string | Buffer) => unknown
}

const DIALECTS: readonly SqlDialect[] = ['postgres', 'mysql', 'mariadb', 'sqlite']

function inFolder<T>(files: Readonly<Record<string, string | Buffer>>, work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'revgraph-fuzz-'))
  const tidy = (): void => rmSync(folder, { recursive: true, force: true })
  let answer: T
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    answer = work(folder)
  } catch (error) {
    tidy()
    throw error
  }
  if (answer instanceof Promise) return answer.finally(tidy) as T
  tidy()
  return answer
}

const SQL: readonly Subject[] = DIALECTS.flatMap((dialect) => [
  {
    name: `split ${dialect}`,
    run: (text: string) => {
      const statements = splitSql(text, dialect)
      return statements.every(({ start, end }) => start <= end && end <= text.length)
    },
  },
  {
    name: `scan ${dialect}`,
    run: (text: string) => {
      let at = 0
      for (const part of scanSql(text, dialect)) {
        if (part.start !== at) return false
        at = part.end
      }
      return at === text.length
    },
  },
  {
    name: `checksum ${dialect}`,
    run: (text: string) => {
      const normal = stripForChecksum(text, dialect)
      hasOnlyComments(text, dialect)
      return normal.length <= 2 * text.length + 16
    },
  },
  {
    name: `excerpt ${dialect}`,
    run: (text: string) =>
      sqlExcerpt(text, dialect, { length: 500 }).length <= 500 &&
      !sqlExcerpt(`ALTER USER u PASSWORD 'ca-na-ry' ${text}`, dialect, { length: 500 }).includes('ca-na-ry'),
  },
])

const NAMES: Readonly<Record<string, readonly string[]>> = {
  revgraph: ['20260101_a.sql', '20260101_b.ts'],
  'golang-migrate': ['1_a.up.sql', '1_a.down.sql'],
  diesel: [],
  dbmate: ['20260101000000_a.sql'],
  flyway: ['V1__a.sql', 'V1__a.sql.conf', 'R__b.sql'],
  'migrate-mongo': ['20260101000000-a.js'],
}

const FILES: readonly Subject[] = [
  {
    name: 'SQL header',
    run: (text) => {
      const file = parseSqlFile(text, 'x.sql', 'strict')
      return file.sections.every(({ start, end }) => start <= end && end <= text.length)
    },
  },
  { name: 'SQL header, dbmate', run: (text) => parseSqlFile(text, 'x.sql', 'dbmate').sections.length > 0 },
  { name: 'SQL header, short form', run: (text) => canonicalHeader(text) ?? true },
  {
    name: 'SQL header above',
    run: (text) => parseSqlFile(`-- migrate:revision a\n-- migrate:up\n${text}`, 'x.sql', 'strict'),
  },
  { name: 'code header', run: (text) => readCodeHeader(text, 'x.ts') },
  {
    name: 'code header inside',
    run: (text) => readCodeHeader(`defineRevision({ id: 'a', up(op) {\n${text}`, 'x.ts'),
  },
  {
    name: 'code header before its id',
    run: (text) => readCodeHeader(`defineRevision({ message: ${text}`, 'x.ts'),
  },
  ...LAYOUTS.map((layout) => ({
    name: `layout ${layout.name}`,
    runFile: (text: string | Buffer) => {
      const files = Object.fromEntries((NAMES[layout.name] ?? []).map((name) => [name, text]))
      return inFolder(files, async (cwd) => {
        const sources = await readRevisions({ dir: '.', layout: layout.name, cwd })
        buildGraph(sources)
        for (const source of sources) {
          source.described?.()
          if (source.file?.endsWith('.sql') === true) await source.load('postgres')
        }
        return true
      })
    },
  })),
]

const CONFIG: readonly Subject[] = ['.migraterc', '.migraterc.json', '.migraterc.yaml', 'package.json'].map(
  (name) => ({
    name: `config ${name}`,
    most: 1_000_000,
    runFile: (text: string | Buffer) =>
      inFolder({ [name]: text, '.git': '' }, async (cwd) => {
        await resolveConfig({}, {}, cwd)
        return true
      }),
  }),
)

const WORDS: readonly Subject[] = [
  { name: 'target', run: (text) => printTarget(parseTarget(text)).length > 0 },
  { name: 'range', run: (text) => parseRange(text) },
  { name: 'duration', run: (text) => (parseDuration(text) ?? 0) >= 0 },
  { name: 'URL of a server', run: (text) => parseServerUrl(text) },
  { name: 'URL of PostgreSQL', run: (text) => targetOf({ url: `postgres://${text}`, ...CONNECT }) },
  { name: 'URL of MySQL', run: async (text) => configOf(`mysql://${text}`, CONNECT) },
  { name: 'URL of SQLite', run: (text) => parseSqliteUrl(`sqlite:${text}`) },
  {
    name: 'mask',
    run: (text) => {
      const url = `postgres://me:ca-na-ry@${text}`
      const masked = maskKnown(maskSecrets(`${text} ${url}`), secretsOf(url))
      return !maskUrl(url).includes('ca-na-ry') && !masked.includes('ca-na-ry')
    },
  },
  {
    name: '.env',
    most: 1_000_000,
    runFile: (text) => inFolder({ '.env': text }, (cwd) => readDotenv(cwd, {})),
  },
]

const CONNECT = { metadata: { prefix: 'migrate_' }, applicationName: 'fuzz' }

const EXCERPTS: readonly Subject[] = [
  {
    name: 'excerpt of any language',
    run: (text) => !maskQuoted(`PASSWORD 'ca-na-ry' ${text}`).includes('ca-na-ry'),
  },
  { name: 'excerpt mongodb', run: (text) => mongoExcerpt(text, 500).length <= 500 },
  { name: 'excerpt redis', run: (text) => redisExcerpt(text, 500).length <= 500 },
]

export const SUBJECTS: readonly Subject[] = [...SQL, ...EXCERPTS, ...FILES, ...CONFIG, ...WORDS]

/** Why a text is not read as it should be; null when it is, or is refused as it should be. */
export async function complaint(subject: Subject, content: string | Buffer): Promise<string | null> {
  try {
    const answer = await (subject.runFile === undefined
      ? subject.run?.(content.toString())
      : subject.runFile(content))
    return answer === false ? 'read wrongly' : null
  } catch (error) {
    if (error instanceof MigrateError && error.code !== 'MIG-INTERNAL') return null
    return error instanceof Error
      ? `${error.name}: ${error.message.slice(0, 200)} ${(error.stack ?? '').split('\n').slice(1, 4).join(' ')}`
      : String(error)
  }
}
