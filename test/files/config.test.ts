import { mkdirSync, readFileSync, chmodSync } from 'node:fs'
import { join } from 'node:path'
import { cosmiconfig } from 'cosmiconfig'
import fc from 'fast-check'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { MigrateError } from '../../src/core/errors.js'
import { CONFIG_PLACES, findConfig } from '../../src/files/config-find.js'
import { loadConfig } from '../../src/files/config-load.js'
import { CONFIG_KEYS, checkConfig } from '../../src/files/config-schema.js'
import { withVariables } from '../../src/files/config-text.js'
import {
  requireUrl,
  resolveConfig,
  VARIABLES,
  type ConfigFlags,
  type ResolvedConfig,
} from '../../src/files/config.js'
import { asNobody, refusal, temporary, write } from './support.js'

interface Project {
  readonly files?: Readonly<Record<string, string>>
  readonly flags?: ConfigFlags
  readonly env?: Record<string, string | undefined>
  /** Where the command is typed. */
  readonly from?: string
}

/** `.git` ends the search. */
function project({ files = {}, from = '.' }: Project): { root: string; cwd: string } {
  const root = temporary({ '.git/HEAD': '', ...files })
  const cwd = join(root, from)
  mkdirSync(cwd, { recursive: true })
  return { root, cwd }
}

async function resolved(given: Project): Promise<ResolvedConfig & { readonly top: string }> {
  const { root, cwd } = project(given)
  const config = await resolveConfig(given.flags ?? {}, given.env ?? {}, cwd)
  return { ...config, top: root }
}

async function refused(given: Project): Promise<string> {
  const { root, cwd } = project(given)
  const said = await refusal(async () => {
    const config = await resolveConfig(given.flags ?? {}, given.env ?? {}, cwd)
    requireUrl(config)
  })
  return said.replaceAll(root, '<project>')
}

describe('where a configuration lies', () => {
  const CONTENT: Record<string, string> = {
    '.migraterc': 'dir: here\n',
    json: '{"dir":"here"}',
    yaml: 'dir: here\n',
    yml: 'dir: here\n',
    js: 'export default { dir: "here" }',
    mjs: 'export default { dir: "here" }',
    cjs: 'module.exports = { dir: "here" }',
    ts: "import { defineConfig } from 'revgraph'\nenum D { A = 'here' }\nexport default defineConfig({ dir: D.A })",
  }
  const contentOf = (place: string): string =>
    place === 'package.json'
      ? '{"migrate":{"dir":"here"}}'
      : (CONTENT[place] ?? CONTENT[place.split('.').at(-1) ?? ''] ?? '')

  it.each(CONFIG_PLACES)('%s is read, from a folder below too', async (place) => {
    const config = await resolved({ files: { [place]: contentOf(place) }, from: 'a/b' })
    expect(config).toMatchObject({
      file: join(config.top, place),
      root: config.top,
      dir: join(config.top, 'here'),
    })
  })

  it('the first place counts, and the nearest folder', async () => {
    const files = {
      'package.json': '{"name":"migrate","scripts":{"migrate":"x"}}',
      '.migraterc': 'dir: one',
      '.migraterc.json': '{"dir":"two"}',
    }
    expect((await resolved({ files })).dir).toMatch(/one$/)
    expect(
      (
        await resolved({
          files: { ...files, 'a/migrate.config.js': 'module.exports = { dir: "three" }' },
          from: 'a/b',
        })
      ).dir,
    ).toMatch(/a.three$/)
  })

  it('the search ends at the repository, and does not look into a folder that is open to all from below', () => {
    const { root } = project({
      files: { '.migraterc': 'dir: x', 'inner/.git/HEAD': '', 'open/.migraterc': 'dir: x' },
    })
    mkdirSync(join(root, 'open/mine'))
    chmodSync(join(root, 'open'), 0o1777)
    expect(findConfig(join(root, 'inner'))).toBeNull()
    expect(findConfig(join(root, 'open'))?.path).toBe(join(root, 'open/.migraterc'))
    expect(findConfig(join(root, 'open/mine'))?.path).toBe(join(root, '.migraterc'))
  })

  it.each([
    ['.migraterc', '{"dir": "x", "metadata": {"prefix": "p_"}, "lockWait": 5}'],
    ['.migraterc', '{dir: x, protected: true}'],
    ['.migraterc', 'dir: x\nmetadata:\n  prefix: p_\nformatter: [a, b]\n'],
    ['.migraterc.json', '{"environments": {"a": {"protected": true}}}'],
    ['.migraterc', '{"$import": "./other.json", "dir": "x"}'],
    ['.migraterc.json', '{"$import": "./other.json", "dir": "x"}'],
    ['package.json', '{"migrate": {"dir": "x"}}'],
  ])('what is read of %s is what cosmiconfig reads: %s', async (name, text) => {
    const { root } = project({ files: { [name]: text, 'other.json': '{"layout":"dbmate"}' } })
    const file = findConfig(root)
    if (file === null) throw new Error('not found')
    const expected = await cosmiconfig('migrate').load(join(root, name))
    expect((await loadConfig(file, name)).values).toEqual(expected?.config)
  })

  it.each(CONFIG_PLACES)('cosmiconfig finds %s too', async (place) => {
    const { root, cwd } = project({ files: { [place]: contentOf(place) }, from: 'a' })
    const found = await cosmiconfig('migrate', {
      stopDir: root,
      loaders: { '.ts': () => ({}), '.js': () => ({}) },
    }).search(cwd)
    expect(findConfig(cwd)?.path).toBe(found?.filepath)
  })

  it('a file that is named is read, whatever it is called', async () => {
    const files = { 'conf/ci.yaml': 'dir: x', 'conf/mine': 'dir: y', '.migraterc': 'dir: z' }
    const config = await resolved({ files, flags: { config: 'conf/ci.yaml' } })
    expect(config.dir).toBe(join(config.top, 'conf/x'))
    expect((await resolved({ files, env: { MIGRATE_CONFIG: 'conf/mine' } })).dir).toMatch(/conf.y$/)
  })

  it('without one there are defaults', async () => {
    const config = await resolved({ from: 'a' })
    expect(config).toEqual({
      top: config.top,
      file: null,
      root: join(config.top, 'a'),
      environment: null,
      url: null,
      urlProblem: null,
      scheme: null,
      ssl: {},
      role: null,
      dir: join(config.top, 'a/migrations'),
      layout: 'revgraph',
      declared: null,
      backend: null,
      metadata: { prefix: 'migrate_' },
      lockWaitMs: 60_000,
      lock: 'auto',
      leaseMs: 30_000,
      lockTimeoutMs: null,
      lockRetries: 5,
      statementTimeoutMs: null,
      waitTimeoutMs: 0,
      protected: false,
      strictOrder: false,
      singleTransaction: false,
      templates: {},
      newRevision: 'sql',
      formatter: null,
    })
  })

  it('an empty one is as none, but begins the paths', async () => {
    const config = await resolved({ files: { '.migraterc': '# later\n' }, from: 'a' })
    expect(config.dir).toBe(join(config.top, 'migrations'))
  })
})

describe('what counts', () => {
  it('a flag before the environment, before the environment of the file, before the file', async () => {
    const files = {
      '.migraterc':
        'dir: file\nlayout: dbmate\nlockWait: 1s\nlockTimeout: 1s\nmetadata: { schema: s, prefix: p_ }\nenvironments: { ci: { lockWait: 2s, lockTimeout: 2s, dir: env, metadata: { prefix: q_ } } }',
    }
    const env = { MIGRATE_LOCK_TIMEOUT: '3s', MIGRATE_DIR: 'variable', MIGRATE_ENV: 'ci' }
    const config = await resolved({ files, env, flags: { dir: 'flag' }, from: 'sub' })
    expect(config).toMatchObject({
      environment: 'ci',
      dir: join(config.top, 'sub/flag'),
      layout: 'dbmate',
      lockWaitMs: 2000,
      lockTimeoutMs: 3000,
      metadata: { schema: 's', prefix: 'q_' },
    })
    expect((await resolved({ files, env })).dir).toMatch(/variable$/)
  })

  it('every variable is an option', async () => {
    // The two files exclude what they stand for.
    const names = Object.keys(VARIABLES).filter((name) => !name.endsWith('_FILE'))
    const values: Record<string, string> = {
      MIGRATE_SSL_MODE: 'verify-ca',
      MIGRATE_LOCK_WAIT: '1s',
      MIGRATE_LOCK: 'lease',
      MIGRATE_LEASE: '1s',
      MIGRATE_LOCK_TIMEOUT: '1s',
      MIGRATE_LOCK_RETRIES: '7',
      MIGRATE_STATEMENT_TIMEOUT: '1s',
      MIGRATE_WAIT_TIMEOUT: '1s',
      MIGRATE_STRICT_ORDER: 'true',
      MIGRATE_SINGLE_TRANSACTION: '1',
    }
    const env = Object.fromEntries(names.map((name) => [name, values[name] ?? 'given']))
    const config = await resolved({ env })
    expect(config).toMatchObject({
      url: 'given',
      ssl: {
        mode: 'verify-ca',
        ca: join(config.top, 'given'),
        cert: join(config.top, 'given'),
        key: join(config.top, 'given'),
      },
      role: 'given',
      dir: join(config.top, 'given'),
      layout: 'given',
      backend: 'given',
      metadata: { schema: 'given', prefix: 'given' },
      lockWaitMs: 1000,
      lock: 'lease',
      leaseMs: 1000,
      lockTimeoutMs: 1000,
      lockRetries: 7,
      statementTimeoutMs: 1000,
      waitTimeoutMs: 1000,
      strictOrder: true,
      singleTransaction: true,
    })
    expect(await config.password?.()).toBe('given')
    expect(Object.values(VARIABLES).every((option) => CONFIG_KEYS.includes(option))).toBe(true)
  })

  it('the environment that is named, by a flag first, else the default one', async () => {
    const files = {
      '.migraterc':
        'url: sqlite:base.db\ndefaultEnvironment: ${STAGE:-dev}\nenvironments: { dev: { url: "sqlite:dev.db" }, prod: { protected: true } }',
    }
    expect(await resolved({ files })).toMatchObject({ environment: 'dev', protected: false })
    expect(await resolved({ files, env: { STAGE: 'prod' } })).toMatchObject({
      environment: 'prod',
      protected: true,
    })
    const prod = await resolved({ files, env: { MIGRATE_ENV: 'dev' }, flags: { env: 'prod' } })
    expect(prod).toMatchObject({ environment: 'prod', url: `sqlite:${join(prod.top, 'base.db')}` })
  })

  it('DATABASE_URL only where nothing else names a database', async () => {
    const env = { DATABASE_URL: 'postgres://default' }
    expect((await resolved({ env })).url).toBe('postgres://default')
    expect((await resolved({ env: { ...env, MIGRATE_URL: 'postgres://variable' } })).url).toBe(
      'postgres://variable',
    )
    expect((await resolved({ env, files: { '.migraterc': 'url: postgres://file' } })).url).toBe(
      'postgres://file',
    )
    expect((await resolved({ env, files: { '.migraterc': 'url: "${OTHER:-postgres://other}"' } })).url).toBe(
      'postgres://other',
    )
  })

  it('.env beside the file, or here when there is none; the real environment wins, and learns the rest', async () => {
    const files = {
      '.migraterc': 'url: ${DB}\ndir: ${D}',
      '.env': 'DB="postgres://dot"\nexport D=dot\n# no\nEMPTY=\n',
      'sub/.env': 'DB=wrong',
    }
    const env: Record<string, string | undefined> = { D: 'real' }
    const config = await resolved({ files, env, from: 'sub' })
    expect([config.url, config.dir]).toEqual(['postgres://dot', join(config.top, 'real')])
    expect(env).toEqual({ DB: 'postgres://dot', D: 'real', EMPTY: '' })
    expect((await resolved({ files: { '.env': 'DATABASE_URL=postgres://dot' } })).url).toBe('postgres://dot')
  })

  it('relative paths of SQLite begin where they are written', async () => {
    const files = { '.migraterc': 'url: sqlite:a b%20c.db?mode=ro' }
    const config = await resolved({ files, from: 'sub' })
    expect(config.url).toBe(`sqlite:${join(config.top, 'a b%20c.db')}?mode=ro`)
    const flag = await resolved({ files, from: 'sub', flags: { url: 'sqlite://x%20y.db' } })
    expect(flag.url).toBe(`sqlite:${join(flag.top, 'sub/x y.db')}`)
    const stray = await resolved({ files, flags: { url: 'sqlite://100%.db' } })
    expect(stray.url).toBe(`sqlite:${join(stray.top, '100%.db')}`)
    const whole = ['sqlite::memory:', 'sqlite:/abs/x.db', 'sqlite:///abs/x%20y.db', 'postgres://x/y']
    // A password is no folder: the backend refuses it, and hides it.
    for (const url of [...whole, 'sqlite://me:pw@/x.db']) {
      expect((await resolved({ flags: { url } })).url).toBe(url)
    }
  })

  it('files hold the URL and the password; the password is read when it is wanted', async () => {
    const files = {
      '.migraterc': 'urlFile: secrets/url\npasswordFile: secrets/password',
      'secrets/url': 'postgres://me@db/app\n',
    }
    const config = await resolved({ files })
    expect(config.url).toBe('postgres://me@db/app')
    expect(await refusal(async () => config.password?.())).toContain('it does not exist')
    write(config.top, { 'secrets/password': 's3cret\r\nmore' })
    expect(await config.password?.()).toBe('s3cret')
  })

  it('a function answers with the password, anew each time', async () => {
    const files = {
      'migrate.config.mjs':
        'let n = 0\nexport default { url: "postgres://me@db", password: async () => `token ${(n += 1)}` }',
    }
    const config = await resolved({ files })
    expect([await config.password?.(), await config.password?.()]).toEqual(['token 1', 'token 2'])
  })

  it('a URL that brings a password of its own outdoes a password from below', async () => {
    const files = { '.migraterc': 'url: postgres://me@db\npassword: below' }
    expect((await resolved({ files, flags: { url: 'postgres://me:mine@other' } })).password).toBeUndefined()
    expect(await (await resolved({ files, flags: { url: 'postgres://me@other' } })).password?.()).toBe(
      'below',
    )
    expect(await (await resolved({ files })).password?.()).toBe('below')
  })

  it('a variable that is not used need not be set', async () => {
    const files = { '.migraterc': 'url: ${NONE}\nenvironments: { prod: { dir: "${NONE}" } }' }
    const config = await resolved({ files })
    expect([config.url, config.urlProblem?.code]).toEqual([null, 'MIG-CONFIG-INVALID'])
    expect((await resolved({ files, flags: { url: 'sqlite::memory:' } })).urlProblem).toBeNull()
  })

  it('a backend may be a package or a path, a formatter a text or a list', async () => {
    const files = {
      '.migraterc': 'backend: ./my backend.js\nformatter: "npx prettier --config \'a b\' --write"',
    }
    const config = await resolved({ files })
    expect(config.backend).toBe(join(config.top, 'my backend.js'))
    expect(config.formatter).toEqual(['npx', 'prettier', '--config', 'a b', '--write'])
    expect(await resolved({ files: { '.migraterc': 'formatter: [a, "b c"]\nbackend: pkg' } })).toMatchObject({
      formatter: ['a', 'b c'],
      backend: 'pkg',
    })
  })
})

describe('a configuration that cannot be used', () => {
  const cases: Record<string, Project> = {
    'none, and no URL': {},
    'one without a URL': { files: { '.migraterc': 'dir: x' } },
    'a file that is not there': { flags: { config: 'gone.json' } },
    'a folder': { files: { 'x/y': '' }, flags: { config: 'x' } },
    'broken JSON': { files: { '.migraterc.json': '{\n  "dir": "x",\n}' } },
    'JSON that ends early': { files: { '.migraterc.json': '{\n  "dir": ' } },
    'broken YAML': { files: { '.migraterc': 'dir: x\n  layout: y\n' } },
    'YAML with a key twice': { files: { '.migraterc': 'dir: x\ndir: y\n' } },
    'broken TypeScript': { files: { 'migrate.config.ts': 'export default {\n  dir: = 3\n}' } },
    'code that throws': { files: { 'migrate.config.mjs': '\nthrow new Error("no")' } },
    'a list': { files: { '.migraterc': '- a\n- b\n' } },
    'an unknown option': { files: { '.migraterc': 'url: x\nlockTimout: 5s\n' } },
    'an unknown option in code': {
      files: { 'migrate.config.cjs': 'module.exports = {\n  url: "x",\n  direktory: "y",\n}' },
    },
    'an unknown option of an environment': {
      files: {
        '.migraterc.json':
          '{\n  "dir": "x",\n  "environments": {\n    "prod": {\n      "dirr": "y"\n    }\n  }\n}',
      },
    },
    'an unknown option of a group': {
      files: {
        'package.json':
          '{\n  "prefixx": 1,\n  "migrate": {\n    "metadata": {\n      "prefixx": "x"\n    }\n  }\n}',
      },
    },
    'a wrong type': { files: { '.migraterc': 'dir: [a]\n' } },
    'a group that is none': { files: { '.migraterc': 'metadata: x\n' } },
    'a wrong truth': { files: { '.migraterc': 'url: x\nprotected: maybe\n' } },
    'a truth from a variable': {
      files: { '.migraterc': 'url: x\nprotected: ${P}\n' },
      env: { P: 'perhaps' },
    },
    'no time': { files: { '.migraterc': 'url: x\nlockWait: soon\n' } },
    'no time in a flag': { flags: { lockWait: 'soon' } },
    'no time in a variable': { env: { MIGRATE_LOCK_TIMEOUT: 'soon' } },
    'a wrong word': { files: { '.migraterc': 'newRevision: js\n' } },
    'no formatter': { files: { '.migraterc': 'formatter: []\n' } },
    'a variable that is not set': {
      files: { '.migraterc': 'dir: x\nurl: postgres://me:${DB_PASSWORD}@db\n' },
    },
    'a variable without a name': { files: { '.migraterc': 'dir: "${}"\n' } },
    'a URL twice': { files: { '.migraterc': 'url: x\nurlFile: y\n' } },
    'a file of the URL that is not there': { files: { '.migraterc': 'urlFile: gone\n' } },
    'a file of the URL that is empty': { files: { '.migraterc': 'urlFile: x\n', x: '\n' } },
    'an environment nobody knows': {
      files: { '.migraterc': 'environments: { production: {}, staging: {} }' },
      flags: { env: 'prodution' },
    },
    'an environment where there are none': { files: { '.migraterc': 'dir: x' }, flags: { env: 'prod' } },
    'an environment without a file': { flags: { env: 'prod' } },
  }

  it.each(Object.keys(cases))('%s', async (name) => {
    expect(await refused(cases[name] ?? {})).toMatchSnapshot()
  })

  it('one that may not be read', async () => {
    const { root } = project({ files: { '.migraterc': 'dir: x' } })
    chmodSync(root, 0o755)
    chmodSync(join(root, '.migraterc'), 0)
    const said = await asNobody(async () => refusal(async () => resolveConfig({}, {}, root)))
    expect(said.replaceAll(root, '<project>')).toMatchInlineSnapshot(`
      "MIG-CONFIG-UNREADABLE <project>/.migraterc:1:1
      <project>/.migraterc cannot be read: permission is denied.
      Make it readable for whoever runs the command, or name another with --config."
    `)
  })

  it('a password function that fails, without what it might tell', async () => {
    const text = (body: string): string => `export default { password: () => { ${body} } }`
    const said = async (body: string): Promise<string> => {
      const config = await resolved({ files: { 'migrate.config.mjs': text(body) } })
      return refusal(async () => config.password?.())
    }
    expect(await said('throw new Error("no token for postgres://me:s3cret@db")')).toMatchInlineSnapshot(`
      "MIG-CONFIG-INVALID
      The function "password" of the configuration failed: no token for postgres://me:***@db
      It is asked once for each connection, and answers with the password."
    `)
    expect(await said('return 3')).toMatchInlineSnapshot(`
      "MIG-CONFIG-INVALID
      The function "password" of the configuration answered with number, not with text.
      It is asked once for each connection, and answers with the password."
    `)
  })
})

describe('.migraterc.example', () => {
  const text = readFileSync(join(import.meta.dirname, '../../.migraterc.example'), 'utf8')

  async function values(content: string): Promise<unknown> {
    const { root } = project({ files: { '.migraterc': content } })
    return (await loadConfig({ path: join(root, '.migraterc'), text: content }, '.migraterc')).values
  }

  it('can be used as it is', async () => {
    const config = await resolved({ files: { '.migraterc': text } })
    expect(config).toMatchObject({
      environment: 'development',
      layout: 'revgraph',
      lockWaitMs: 60_000,
      lockTimeoutMs: 5000,
    })
  })

  it('shows every option, and only options', async () => {
    const all = text.replace(/^(\s*)#(?=[^ \n])/gm, '$1')
    const shown = checkConfig({
      file: { path: '.migraterc', text: all },
      shown: '.migraterc',
      values: await values(all),
    })
    const keys = Object.entries(shown).flatMap(([name, value]) =>
      name === 'metadata' || name === 'templates' || name === 'ssl'
        ? [name, ...Object.keys(value as object).map((inner) => `${name}.${inner}`)]
        : [name],
    )
    expect(keys.sort()).toEqual([...CONFIG_KEYS].sort())
  })

  it('names a schema for editors, which has every option and takes what is shown', async () => {
    const root = join(import.meta.dirname, '../..')
    const schemas = join(root, 'src/schemas')
    const all = (await values(text.replace(/^(\s*)#(?=[^ \n])/gm, '$1'))) as { $schema: string }
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      exports: { './schemas/*': string }
    }
    // Editors follow the path as it stands on the disk: the package's exports mean nothing to them.
    const lies = manifest.exports['./schemas/*']
      .replace('./', './node_modules/revgraph/')
      .replace('*', 'config.json')
    expect(all.$schema).toBe(lies)
    const schema = JSON.parse(readFileSync(join(schemas, 'config.json'), 'utf8')) as {
      properties: object
      $defs: { options: { properties: Record<string, { properties?: object }> } }
    }
    const options = schema.$defs.options.properties
    const inner = Object.entries(options).flatMap(([name, { properties = {} }]) =>
      Object.keys(properties).map((key) => `${name}.${key}`),
    )
    expect([...Object.keys(schema.properties), ...inner].sort()).toEqual([...CONFIG_KEYS].sort())
    const inEnvironments = CONFIG_KEYS.filter((name) => !/\.|^\$|nvironment/.test(name))
    expect(Object.keys(options).sort()).toEqual(inEnvironments.sort())
    const valid = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true }).compile(schema)
    expect([valid(all), valid.errors]).toEqual([true, null])
    expect(valid({ ...all, environments: { production: { strictOrder: 'perhaps' } } })).toBe(false)
    expect(valid({ lockwait: '5s' })).toBe(false)
  })

  it('shows the defaults', async () => {
    const rest = {
      ...((await values(text)) as object),
      environments: undefined,
      defaultEnvironment: undefined,
    }
    const { root } = project({ files: { '.migraterc': JSON.stringify({ ...rest, url: 'x' }) } })
    const bare = project({})
    const config = await resolveConfig({ url: 'x' }, {}, root)
    const defaults = {
      ...(await resolveConfig({ url: 'x' }, {}, bare.cwd)),
      // The backends' own, where nobody has said another.
      ...{ lockTimeoutMs: 5000, statementTimeoutMs: 0 },
    }
    expect({ ...config, file: null, root: '', dir: '' }).toEqual({ ...defaults, root: '', dir: '' })
  })
})

it('a lease that could not be prolonged in time is refused', async () => {
  for (const lease of ['0', '999ms'])
    await expect(resolved({ files: { '.migraterc': `lease: ${lease}` } })).rejects.toMatchObject({
      code: 'MIG-CONFIG-INVALID',
      message: `"lease" is too short a time: ${lease}.`,
      hint: 'Write 1s or more.',
      position: { line: 1 },
    })
  expect((await resolved({ files: { '.migraterc': 'lease: 1s' } })).leaseMs).toBe(1000)
})

describe('variables in a value', () => {
  it.each([
    ['${A}-${B}', { A: '1', B: '2' }, '1-2'],
    ['${A:-x}${B:-}', {}, 'x'],
    ['${A:-x}', { A: '' }, 'x'],
    ['${A}', { A: '' }, ''],
    ['${ A }', { A: '1' }, '1'],
    ['${A:-a:-b}', {}, 'a:-b'],
    ['${A}', { A: '${B} %(x)s %% $' }, '${B} %(x)s %% $'],
    ['100% $A {B}', {}, '100% $A {B}'],
  ])('%s with %j is %s', (value, env, expected) => {
    expect(withVariables(value, env, () => ({}))).toBe(expected)
  })

  it('are put in, or the value is refused', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('${', '}', 'A', 'B', ':-', '$', '%', ' ', '1')), (pieces) => {
        const text = pieces.join('')
        try {
          const out = withVariables(text, { A: 'a' }, () => ({}))
          if (!text.includes('${')) expect(out).toBe(text)
        } catch (error) {
          if (!(error instanceof MigrateError)) throw error
        }
      }),
    )
  })
})
