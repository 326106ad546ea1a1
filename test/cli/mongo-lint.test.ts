import { expect, it } from 'vitest'
import { describeServers, useDatabase } from '../servers/database.js'
import { documentOf } from './documents.js'
import { CliProject } from './project.js'

const FILE = 'migrations/a.mongo'
const REVISION = `// migrate:revision aaaa00000001
// migrate:message indexes
// migrate:up
{"create": "made"}
{"createIndexes": "made", "indexes": [{"key": {"at": 1}, "name": "at_1", "unique": true}]}
{"createIndexes": "users", "indexes": [
  {"key": {"name": 1}, "name": "name_1"},
  {"key": {"email": 1}, "name": "email_1", "unique": true}]}
{"update": "users", "updates": [{"q": {}, "u": {"$set": {"n": 1}}, "multi": true}]}
// migrate:backfill
{"update": "users", "updates": [{"q": {}, "u": {"$set": {"n": 2}}, "multi": true}]}
// migrate:down
{"drop": "made"}
{"dropIndexes": "users", "index": "email_1"}
`
const CODE = `import { defineRevision } from 'revgraph'

export default defineRevision({
  id: 'bbbb00000002',
  parents: ['aaaa00000001'],
  up(op) {
    op.mongo.index('made').setTtl('at_1', 5)
    op.mongo.index('users').hide('email_1')
    op.mongo.index('users').drop('name_1')
    op.mongo.index('users').drop('email_1')
  },
  down() {},
})
`

describeServers(['documentdb', 'mongodb'], (server) => {
  it('what is dangerous is told in the plan and where it is asked for, and stops no run', async () => {
    const database = await useDatabase(server)
    const project = new CliProject({
      '.migraterc': `url: ${database.url}\ndir: migrations\n`,
      [FILE]: REVISION,
      'migrations/b.ts': CODE,
    })
    try {
      const plan = project.run('upgrade', '--plan')
      expect(plan).toMatchObject({ code: 0, stderr: '' })
      expect(plan.stdout.split('\n').filter((line) => line.includes('warning'))).toEqual([
        '    warning  migrations/a.mongo:8:3  email_1 is unique, and users may hold documents: where two have the same key, its build fails when it has read them all. (unique-on-data)',
        '    warning  migrations/a.mongo:9:33  This changes every document of users in one command, which lasts as long as there are documents and stands in part when it is broken off. (unbounded-update)',
        '    warning  migrations/b.ts:9:5  name_1 of users is dropped without having been hidden first: a query that needs it is slow from then on, and building it again takes its time. (drop-index-visible)',
        '    warning  migrations/b.ts:10:5  email_1 of users is dropped by the revision that hides it: a query that needs it is slow from then on, and building it again takes its time. (drop-index-visible)',
      ])
      const planned = documentOf(project.run('upgrade', '--plan', '--json').stdout, 'run.json')
      expect(planned).toMatchObject({
        steps: [
          {
            statements: [{}, {}, { hazards: [{ rule: 'unique-on-data', line: 8, column: 3 }] }, {}, {}],
          },
          {},
        ],
      })

      const check = project.run('check', '--lint')
      expect(check.code).toBe(3)
      expect(check.stdout).toContain('found  lint  4 hazards in what is pending.')
      expect(check.stdout).toContain('  warning  migrations/a.mongo:8:3  email_1 is unique')
      expect(check.stdout).toContain('Build it without "unique" and make it so')
      const failed = documentOf(project.run('check', '--lint', '--json').stdout, 'failure.json')
      expect(failed).toMatchObject({
        checks: [
          {
            name: 'lint',
            ok: false,
            revisions: ['aaaa00000001', 'bbbb00000002'],
            hazards: [
              { revision: 'aaaa00000001', file: FILE, rule: 'unique-on-data', line: 8, column: 3 },
              { rule: 'unbounded-update' },
              { revision: 'bbbb00000002', file: 'migrations/b.ts', rule: 'drop-index-visible', line: 9 },
              { rule: 'drop-index-visible', line: 10 },
            ],
          },
        ],
      })
      expect(project.run('check').stdout).not.toContain('lint')

      expect(project.run('upgrade', 'aaaa00000001')).toMatchObject({ code: 0 })
      const rest = project.run('check', '--lint')
      expect(rest.code).toBe(3)
      // What an earlier run has made is there: documents may be in it.
      expect(rest.stdout).toContain('at_1 expires after 5 seconds from now on')
      expect(project.run('downgrade', 'base', '--plan').stdout).not.toContain('warning')
    } finally {
      project.remove()
      await database.drop()
    }
  })
})

describeServers(['documentdb', 'mongodb'], (server) => {
  it('an operation of several commands, or with a line above its own, stands where it is called', async () => {
    const database = await useDatabase(server)
    const project = new CliProject({
      '.migraterc': `url: ${database.url}\ndir: migrations\n`,
      'migrations/a.ts': `import { defineRevision } from 'revgraph'

export default defineRevision({
  id: 'aaaa00000001',
  up(op) {
    op.mongo.bulkWrite('users', [
      { insertOne: { document: { n: 1 } } },
      { deleteOne: { filter: { n: 2 } } },
    ])
    op.mongo.backfill('users', { update: { $set: { seen: false } } })
    op.mongo.command({ ping: 1 })
  },
  down() {},
})
`,
    })
    try {
      const { steps } = documentOf(project.run('upgrade', '--plan', '--json').stdout, 'run.json') as {
        steps: { statements: { line: number }[] }[]
      }
      expect(steps[0]?.statements.map(({ line }) => line)).toEqual([6, 6, 10, 11])
    } finally {
      project.remove()
      await database.drop()
    }
  })
})

it('a backfill in code stands where it is called', () => {
  const project = new CliProject({
    '.migraterc': 'url: sqlite:a.sqlite\ndir: migrations\n',
    'migrations/a.ts': `import { defineRevision } from 'revgraph'

export default defineRevision({
  id: 'aaaa00000001',
  up(op) {
    op.sql\`
      CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER);
      CREATE TABLE b (id INTEGER PRIMARY KEY)\`
    op.backfill({ table: 'a', set: { n: '1' } })
  },
  down() {},
})
`,
  })
  try {
    const { steps } = documentOf(project.run('upgrade', '--plan', '--json').stdout, 'run.json') as {
      steps: { statements: { line: number }[] }[]
    }
    expect(steps[0]?.statements.map(({ line }) => line)).toEqual([7, 8, 9])
  } finally {
    project.remove()
  }
})

it('what is dangerous is asked for where that is known', () => {
  const project = new CliProject()
  try {
    const result = project.run('check', '--lint')
    expect(result.code).toBe(2)
    expect(result.stderr).toContain('error[MIG-UNSUPPORTED]')
    expect(result.stderr).toContain('Leave --lint out.')
  } finally {
    project.remove()
  }
})
