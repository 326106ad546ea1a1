import { usualScenarios, type Revision, type Scenario } from './scenario.js'
import type { Step } from './statements.js'

type Document = Readonly<Record<string, unknown>>

const command = (document: Document, applied: Document): Step => ({
  sql: JSON.stringify(document),
  applied: JSON.stringify(applied),
})

const found = (collection: string, filter: Document): Document => ({ find: collection, filter, limit: 1 })

/** Whatever is never looked at: the tool itself sees in the server's lists whether it was done. */
const SEEN = found('crash_audit', { word: 'never looked at' })

const seen = (document: Document): Step => command(document, SEEN)

/** Of documents that are only inserted, with no id of ours: whatever is executed twice is there twice. */
const said = (word: string, times = 1): Step =>
  command(
    { insert: 'crash_audit', documents: [{ word }] },
    {
      aggregate: 'crash_audit',
      pipeline: [
        { $match: { word } },
        { $group: { _id: null, n: { $sum: 1 } } },
        { $match: { n: { $gte: times } } },
      ],
      cursor: {},
    },
  )

const index = (name: string, key: Document, options: Document = {}): Document => ({ key, name, ...options })

function graph(times = 1): Revision[] {
  return [
    {
      id: 'a1',
      up: [seen({ create: 'accounts' }), said('a1 up', times)],
      down: [said('a1 down'), seen({ drop: 'accounts' })],
    },
    {
      id: 'b2',
      parents: ['a1'],
      up: [
        said('b2 begins', times),
        command(
          { insert: 'accounts', documents: [{ _id: 1, email: 'ada@example.org', logins: 0 }] },
          found('accounts', { _id: 1 }),
        ),
        seen({ createIndexes: 'accounts', indexes: [index('email_1', { email: 1 }, { unique: true })] }),
        command(
          { update: 'accounts', updates: [{ q: { _id: 1 }, u: { $inc: { logins: 1 } } }] },
          found('accounts', { _id: 1, logins: 1 }),
        ),
        said('b2 up', times),
      ],
      down: [
        seen({ dropIndexes: 'accounts', index: 'email_1' }),
        command(
          { delete: 'accounts', deletes: [{ q: { _id: 1 }, limit: 1 }] },
          // Nothing there: what was deleted is not found.
          {
            aggregate: 'accounts',
            pipeline: [{ $group: { _id: null, n: { $sum: 1 } } }, { $match: { n: 0 } }],
            cursor: {},
          },
        ),
        said('b2 down'),
      ],
    },
    {
      id: 'c3',
      parents: ['b2'],
      up: [
        seen({ create: 'orders' }),
        seen({
          createIndexes: 'orders',
          indexes: [index('total_1', { total: 1 }), index('day_1_total_1', { day: 1, total: -1 })],
        }),
        said('c3 up', times),
      ],
      down: [seen({ drop: 'orders' }), said('c3 down')],
    },
    {
      id: 'c4',
      parents: ['b2'],
      up: [said('c4 first', times), said('c4 second', times)],
      down: [said('c4 down')],
    },
    { id: 'd5', parents: ['c3', 'c4'], up: [], down: [] },
    {
      id: 'e6',
      parents: ['d5'],
      up: [
        seen({ renameCollection: 'orders', to: 'sales' }),
        said('e6 up', times),
        seen({ collMod: 'sales', index: { name: 'total_1', hidden: true } }),
        seen({ collMod: 'sales', validator: { total: { $gte: 0 } } }),
      ],
      down: [
        seen({ collMod: 'sales', validator: {} }),
        seen({ collMod: 'sales', index: { name: 'total_1', hidden: false } }),
        said('e6 down'),
        seen({ renameCollection: 'sales', to: 'orders' }),
      ],
    },
  ]
}

/** Documents outside transactions: of those without ids nobody can know, of those with ids the collection tells. */
function journalled(): Revision[] {
  const many = Array.from({ length: 30 }, (_, at) => ({ _id: at + 1, n: 0 }))
  return [
    graph()[0] as Revision,
    {
      id: 'j2',
      parents: ['a1'],
      transaction: false,
      up: [
        said('j2 begins'),
        command({ insert: 'accounts', documents: many }, found('accounts', { _id: 30 })),
        command(
          { update: 'accounts', updates: [{ q: { n: 0 }, u: { $inc: { n: 1 } }, multi: true }] },
          found('accounts', { n: 1 }),
        ),
        seen({ createIndexes: 'accounts', indexes: [index('n_1', { n: 1 })] }),
        said('j2 up'),
      ],
    },
    { id: 'j3', parents: ['j2'], transaction: false, up: [said('j3 first'), said('j3 second')] },
    { id: 'j4', parents: ['j3'], up: [said('j4 up')] },
  ]
}

function code(): Revision[] {
  const coded = (id: string, parent: string, transaction: boolean): Revision => ({
    id,
    parents: [parent],
    up: [said(`${id} begins`), said(`${id} code`), said(`${id} up`)],
    file: {
      name: `${id}.mjs`,
      text: `import { defineRevision } from 'revgraph'
export default defineRevision({
  id: '${id}', parents: ['${parent}'], message: 'about ${id}', transaction: ${transaction},
  up(op) {
    op.mongo.insertMany('crash_audit', [{ word: '${id} begins' }])
    op.run('by code', async ({ client: { db, session } }) => {
      await db.collection('crash_audit').insertOne({ word: '${id} code' }, session.inTransaction() ? { session } : {})
    })
    op.mongo.insertMany('crash_audit', [{ word: '${id} up' }])
  },
  down() {},
})
`,
    },
  })
  return [
    graph()[0] as Revision,
    coded('k2', 'a1', true),
    coded('k3', 'k2', false),
    { id: 'k4', parents: ['k3'], up: [said('k4 up')] },
  ]
}

/** Documents that are changed batch by batch: each exactly once, whatever dies in between. */
function backfilled(): Revision[] {
  const documents = Array.from({ length: 40 }, (_, at) => ({ _id: at + 1, n: 0 }))
  const update = { update: 'counted', updates: [{ q: {}, u: { $inc: { n: 1 } }, multi: true }] }
  return [
    { id: 'f1', up: [seen({ create: 'counted' }), command({ insert: 'counted', documents }, SEEN)] },
    {
      id: 'f2',
      parents: ['f1'],
      up: [
        said('f2 begins'),
        {
          sql: `// migrate:backfill batch:10 time:0\n${JSON.stringify(update)}`,
          applied: JSON.stringify(SEEN),
        },
        said('f2 up'),
      ],
    },
    { id: 'f3', parents: ['f2'], up: [said('f3 up')] },
  ]
}

/** An index that is hidden, and shown again. */
function retired(): Revision[] {
  const retire = { retireIndex: 'accounts', index: 'name_1', hideFor: '7d' }
  return [
    ...graph().slice(0, 2),
    {
      id: 'r3',
      parents: ['b2'],
      up: [
        seen({ createIndexes: 'accounts', indexes: [index('name_1', { name: 1 })] }),
        said('r3 begins'),
        seen(retire),
        said('r3 up'),
      ],
    },
    { id: 'r4', parents: ['r3'], up: [seen({ restoreIndex: 'accounts', index: 'name_1' }), said('r4 up')] },
  ]
}

/** Revisions of an index each: what the one before has to record is written while the next is being built. */
function indexes(): Revision[] {
  const of = (field: string): Step =>
    seen({ createIndexes: 'accounts', indexes: [index(`${field}_1`, { [field]: 1 })] })
  return [
    graph()[0] as Revision,
    { id: 'n2', parents: ['a1'], up: [of('first')] },
    { id: 'n3', parents: ['n2'], up: [of('second')] },
    { id: 'n4', parents: ['n3'], up: [of('third'), said('n4 up')] },
    { id: 'n5', parents: ['n4'], up: [said('n5 begins'), of('fourth')] },
    { id: 'n6', parents: ['n5'], up: [of('fifth'), of('sixth')] },
    { id: 'n7', parents: ['n6'], up: [of('seventh')] },
  ]
}

export const MONGO_SCENARIOS: readonly Scenario<'mongo'>[] = [
  ...usualScenarios(['mongo'], (_, times) => graph(times)),
  { name: 'journalled', families: ['mongo'], revisions: journalled, command: ['upgrade', 'head'] },
  { name: 'indexes', families: ['mongo'], revisions: indexes, command: ['upgrade', 'head'] },
  { name: 'code', families: ['mongo'], revisions: code, command: ['upgrade', 'head'] },
  {
    name: 'backfill',
    families: ['mongo'],
    revisions: backfilled,
    before: [['upgrade', 'f1']],
    command: ['upgrade', 'head'],
  },
  {
    name: 'retired',
    families: ['mongo'],
    revisions: retired,
    before: [['upgrade', 'b2']],
    command: ['upgrade', 'head'],
  },
]
