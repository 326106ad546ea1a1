import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Secrets } from '../../src/app/secrets.js'
import { createMigrator, defineRevision, MigrateError } from '../../src/index.js'
import type { Migrator, MigratorOptions } from '../../src/index.js'

const REVISION = defineRevision({ id: 'aaaa00000001', up: 'CREATE TABLE a (id int)', down: 'DROP TABLE a' })
const USABLE = { url: 'sqlite::memory:', revisions: [REVISION] }

/** Nothing of what a program in JavaScript gives has to fit the types. */
async function refusal(options: unknown, call: (migrator: Migrator) => unknown = (one) => one.current()) {
  try {
    await call(createMigrator(options as MigratorOptions))
  } catch (error) {
    if (!(error instanceof MigrateError)) throw error
    return [`${error.code} ${error.message}`, error.hint ?? ''].join('\n')
  }
  return 'not refused'
}

type Loose = Readonly<Record<keyof Migrator, (...given: readonly unknown[]) => Promise<unknown>>>

const calling =
  (method: keyof Migrator, ...given: readonly unknown[]) =>
  (migrator: Migrator) =>
    (migrator as unknown as Loose)[method](...given)

describe('an option that cannot be', () => {
  const cases: readonly (readonly [what: string, options: unknown, says: string])[] = [
    ['no options', null, '"options" must be a group of named options; it is null.'],
    ['a list of options', [], '"options" must be a group of named options; it is a list.'],
    ['a number for a URL', { url: 5 }, '"url" must be text; it is a number.'],
    ['a URL object', { url: new URL('sqlite:x.db') }, '"url" must be text; it is an object.'],
    ['nothing for a URL', { url: null }, '"url" must be text; it is null.'],
    ['a number for a folder', { dir: 5 }, '"dir" must be text; it is a number.'],
    ['a layout that is a list', { layout: ['flyway'] }, '"layout" must be text; it is a list.'],
    [
      'text for a password',
      { password: 's3cret' },
      '"password" must be a function that answers with it; it is text.',
    ],
    [
      'a number for a password',
      { password: 4711 },
      '"password" must be a function that answers with it; it is a number.',
    ],
    [
      'a schema that is a number',
      { metadata: { schema: 5 } },
      '"metadata.schema" must be text; it is a number.',
    ],
    [
      'metadata that is text',
      { metadata: 'app' },
      '"metadata" must be a group of named options; it is text.',
    ],
    [
      'a time with its unit',
      { lockWaitMs: '5s' },
      '"lockWaitMs" must be whole milliseconds from 0 to 2147483647; it is text.',
    ],
    [
      'a time that went by',
      { lockWaitMs: -1 },
      '"lockWaitMs" must be whole milliseconds from 0 to 2147483647; it is -1.',
    ],
    [
      'no number',
      { leaseMs: Number.NaN },
      '"leaseMs" must be whole milliseconds from 0 to 2147483647; it is NaN.',
    ],
    [
      'an endless time',
      { waitTimeoutMs: Infinity },
      '"waitTimeoutMs" must be whole milliseconds from 0 to 2147483647; it is Infinity.',
    ],
    ['a half', { lockRetries: 0.5 }, '"lockRetries" must be a whole number from 0; it is 0.5.'],
    ['a lock nobody has', { lock: 'table' }, '"lock" must be auto or session or lease; it is "table".'],
    ['text for a truth', { strictOrder: 'yes' }, '"strictOrder" must be true or false; it is text.'],
    [
      'a mode of TLS nobody has',
      { ssl: { mode: 'on' } },
      '"ssl.mode" must be disable or require or verify-ca or verify-full; it is "on".',
    ],
    ['TLS that is true', { ssl: true }, '"ssl" must be a group of named options; it is true.'],
    ['a role that is an object', { role: {} }, '"role" must be text; it is an object.'],
    [
      'a signal that is a controller',
      { signal: new AbortController() },
      '"signal" must be an AbortSignal; it is an object.',
    ],
    ['a listener that is text', { onEvent: 'log' }, '"onEvent" must be a function; it is text.'],
    [
      'a template that is a function',
      { templates: { sql: () => '' } },
      '"templates.sql" must be text; it is a function.',
    ],
    [
      'a formatter that is text',
      { formatter: 'prettier -w' },
      '"formatter" must be a list of program and arguments; it is text.',
    ],
    [
      'an argument that is a number',
      { formatter: ['cut', 5] },
      '"formatter[1]" must be text; it is a number.',
    ],
    [
      'a backend that is a function',
      { backend: () => ({}) },
      '"backend" must be a backend, or the name of a package; it is a function.',
    ],
    [
      'revisions that are one',
      { revisions: REVISION },
      '"revisions" must be a list of revisions; it is an object.',
    ],
    [
      'a revision that is text',
      { revisions: [REVISION, 'b.sql'] },
      '"revisions[1]" must be what defineRevision() made; it is text.',
    ],
    ['an option of the file', { lockWait: 5 }, '"lockWait" is no option.\nWrite "lockWaitMs".'],
    ['a slip of the pen', { revision: [] }, '"revision" is no option.\nWrite "revisions".'],
    ['a slip within', { metadata: { prefx: 'x' } }, '"metadata.prefx" is no option.\nWrite "prefix".'],
  ]

  it.each(cases)('is named: %s', async (_, options, says) => {
    const said = await refusal(
      options === null || Array.isArray(options) ? options : { ...USABLE, ...(options as object) },
    )
    expect(said).toContain(`MIG-CONFIG-INVALID createMigrator(): ${says}`)
    expect(said).not.toMatch(/s3cret|4711/)
  })

  it('is told when the migrator is made, before anything is read', () => {
    expect(() => createMigrator({ url: 5 } as unknown as MigratorOptions)).toThrow(MigrateError)
  })

  it('may be undefined: that is left out', async () => {
    const { up, ...rest } = REVISION
    const options = {
      ...USABLE,
      role: undefined,
      ssl: undefined,
      dir: undefined,
      revisions: [{ ...rest, up }],
    }
    expect(await refusal(options)).toBe('not refused')
  })

  it('of a revision names which one it is', async () => {
    expect(await refusal({ ...USABLE, revisions: [REVISION, { id: 5 }] })).toContain(
      'MIG-FILE-SHAPE "revisions[1]" is no revision: "id" must be a string.',
    )
  })

  it('is the backend without a name, or of another version', async () => {
    expect(await refusal({ ...USABLE, backend: {} })).toContain(
      'MIG-BACKEND-UNUSABLE What "backend" was given is no backend: it has no name.',
    )
    expect(await refusal({ ...USABLE, backend: { name: 'mine', apiVersion: 7 } })).toContain(
      'The backend "mine" cannot be used: it is written for version 7 of the interface',
    )
  })

  it('is what a password function answers', async () => {
    const watched = new Secrets(undefined).watched(() => Promise.resolve(4711 as unknown as string))
    await expect(watched()).rejects.toThrow(
      'The function "password" of the configuration answered with number, not with text.',
    )
  })
})

describe('a lent connection of an unknown kind', () => {
  const lent = [
    null,
    true,
    5,
    'x',
    [],
    {},
    () => undefined,
    new Date(),
    Symbol('x'),
    { query: 5 },
    { db: {} },
  ]

  it.each([undefined, 'sqlite', 'postgres', 'mysql', 'mariadb', 'redis', 'mongodb'])(
    'is refused (backend %s)',
    async (backend) => {
      for (const client of lent)
        expect(await refusal({ backend, client, revisions: [] })).toMatch(/^MIG-BACKEND-UNUSABLE /)
    },
  )
})

describe('an argument that cannot be', () => {
  const cases: readonly (readonly [says: string, method: keyof Migrator, ...given: readonly unknown[]])[] = [
    ['upgrade(): "target" must be text; it is a number.', 'upgrade', 5],
    ['upgrade(): "target" must be text; it is null.', 'upgrade', null],
    ['upgrade(): "target" must be text; it is an object.', 'upgrade', { plan: true }],
    ['upgrade(): "plan" must be true or false; it is text.', 'upgrade', 'head', { plan: 'yes' }],
    ['upgrade(): "dryRun" is no option.', 'upgrade', 'head', { dryRun: true }],
    ['upgrade(): "sql" must be a function; it is true.', 'upgrade', 'head', { sql: true }],
    ['upgrade(): "options" must be a group of named options; it is null.', 'upgrade', 'head', null],
    ['downgrade(): "target" must be text; it is a number.', 'downgrade', -1],
    ['downgrade(): "confirm" must be a function; it is false.', 'downgrade', '-1', { confirm: false }],
    ['redo(): "target" must be text; it is a list.', 'redo', ['-1']],
    ['stamp(): "targets" must be a list of texts; it is text.', 'stamp', 'head'],
    ['stamp(): "targets" must be a list of texts; it is missing.', 'stamp'],
    ['stamp(): "targets[1]" must be text; it is null.', 'stamp', ['head', null]],
    ['adopt(): "from" must be text; it is a list.', 'adopt', { from: ['flyway'] }],
    ['history(): "range" must be text; it is a number.', 'history', { range: 5 }],
    ['history(): "options" must be a group of named options; it is text.', 'history', 'a:b'],
    ['heads(): "indicateCurrent" must be true or false; it is a number.', 'heads', { indicateCurrent: 0 }],
    ['show(): "target" must be text; it is missing.', 'show'],
    ['check(): "names" must be a list of checks; it is text.', 'check', 'heads'],
    ['check(): "names[0]" must be heads or pending', 'check', ['head']],
    ['revision(): "options" must be a group of named options; it is missing.', 'revision'],
    ['revision(): "message" is missing.', 'revision', {}],
    ['revision(): "head" must be a list of texts; it is text.', 'revision', { message: 'x', head: 'base' }],
    ['revision(): "kind" must be sql or ts; it is "js".', 'revision', { message: 'x', kind: 'js' }],
    ['autogenerate(): "message" must be text; it is a number.', 'autogenerate', { message: 5 }],
    ['merge(): "targets" must be a list of texts; it is text.', 'merge', 'heads'],
    ['merge(): "branchLabel" must be a list of texts; it is text.', 'merge', ['heads'], { branchLabel: 'x' }],
    ['fileOf(): "target" must be text; it is missing.', 'fileOf'],
    ['tag(): "name" must be text; it is missing.', 'tag'],
    ['tag(): "force" must be true or false; it is text.', 'tag', 'v1', { force: 'yes' }],
    ['untag(): "name" must be text; it is a number.', 'untag', 1.4],
    ['repair(): "target" must be text; it is missing.', 'repair'],
    ['resolve(): "how" must be done or retry or rollback; it is "undo".', 'resolve', 'a', 'undo'],
    ['resolve(): "how" must be done or retry or rollback; it is missing.', 'resolve', 'a'],
    ['pauseBackfill(): "revision" must be text; it is null.', 'pauseBackfill', null],
    ['resumeBackfill(): "revision" must be text; it is an object.', 'resumeBackfill', {}],
    ['log(): "limit" must be a whole number from 0; it is text.', 'log', { limit: '5' }],
    ['log(): "limit" must be a whole number from 0; it is -5.', 'log', { limit: -5 }],
  ]

  it.each(cases.map(([says, ...call]) => ({ says, call })))(
    'is named: $says',
    async ({ says, call: [method, ...given] }) => {
      expect(await refusal(USABLE, calling(method, ...given))).toContain(`MIG-USAGE ${says}`)
    },
  )
})

/** Anything that JSON can say, and some that only a program can. */
const anything = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>(
    undefined,
    Number.NaN,
    -0,
    10n,
    Symbol('x'),
    () => 5,
    /x/,
    new Map(),
    Object.create(null),
  ),
)

const OPTIONS: readonly (keyof MigratorOptions)[] = [
  ...([
    'url',
    'client',
    'backend',
    'dir',
    'layout',
    'declared',
    'revisions',
    'metadata',
    'lockWaitMs',
    'lock',
  ] as const),
  ...([
    'leaseMs',
    'lockTimeoutMs',
    'lockRetries',
    'statementTimeoutMs',
    'waitTimeoutMs',
    'strictOrder',
  ] as const),
  ...(['password', 'ssl', 'role', 'cwd', 'signal', 'onEvent', 'templates', 'formatter'] as const),
]
const METHODS = Object.keys(createMigrator()) as (keyof Migrator)[]

describe('whatever is given', () => {
  it('as an option ends in an answer or in a MigrateError', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...OPTIONS), anything, async (option, value) => {
        expect(await refusal({ ...USABLE, [option]: value })).toMatch(/^(?:MIG-|not refused)/)
      }),
      { numRuns: 400 },
    )
  })

  it('as all the options ends in an answer or in a MigrateError', async () => {
    await fc.assert(
      fc.asyncProperty(anything, async (value) => {
        expect(await refusal(value, calling('heads'))).toMatch(/^(?:MIG-|not refused)/)
      }),
    )
  })

  it('to a method ends in an answer or in a MigrateError', async () => {
    const given = fc.array(anything, { maxLength: 2 })
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...METHODS), given, async (method, values) => {
        const options = { ...USABLE, dir: 'test/app/none', declared: {} }
        expect(await refusal(options, calling(method, ...values))).toMatch(/^(?:MIG-|not refused)/)
      }),
      { numRuns: 400 },
    )
  })
})
