// A runner that is wrong on purpose, to see that the harness notices: the real engine over a session that journals
// wrongly. REVGRAPH_BROKEN: `done-first` says that a statement is done before it runs; `no-journal` writes nothing down;
// `no-lock` takes no lock.
import { createMigrator } from '../../src/app/migrator.js'
import { BACKEND_API_VERSION, type Backend, type Session } from '../../src/backend/index.js'
import { backendByScheme } from '../../src/backends/registry.js'
import type { MetadataChange } from '../../src/core/metadata.js'

const how = process.env['REVGRAPH_BROKEN']
const args = process.argv.slice(2)
const url = args[args.indexOf('--url') + 1] ?? ''

const changed = (changes: readonly MetadataChange[]): MetadataChange[] =>
  changes.flatMap((change): MetadataChange[] => {
    if (change.kind !== 'journal') return [change]
    if (how === 'no-journal') return []
    if (how !== 'done-first') return [change]
    return [{ ...change, entries: change.entries.map((entry) => ({ ...entry, state: 'done' })) }]
  })

/** Methods of classes with private fields want their own object. */
const overridden = <T extends object>(target: T, own: { [Name in keyof T]?: T[Name] | undefined }): T =>
  new Proxy(target, {
    get(_, name) {
      if (Object.hasOwn(own, name)) return Reflect.get(own, name)
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })

function brokenSession(session: Session): Session {
  const { metadata } = session
  return overridden(session, {
    metadata: overridden(metadata, { write: (changes) => metadata.write(changed(changes)) }),
    transaction: (work) => session.transaction((tx) => work(brokenSession(tx))),
    ...(how === 'no-lock' ? { lock: () => Promise.resolve({ release: () => Promise.resolve() }) } : {}),
    // What is journalled in one message with its statement would get by.
    executeAfter: undefined,
  })
}

const real = await backendByScheme(url)
const backend: Backend = {
  ...real,
  apiVersion: BACKEND_API_VERSION,
  connect: async (options) => brokenSession(await real.connect(options)),
}
await createMigrator({ url, backend }).upgrade('head')
process.stdout.write('{}\n')
