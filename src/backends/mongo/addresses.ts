import type { Db, Document } from 'mongodb'

const ON_ADMIN: ReadonlySet<string> = new Set([
  ...['setParameter', 'setFeatureCompatibilityVersion', 'shardCollection', 'reshardCollection'],
  ...['refineCollectionShardKey', 'enableSharding', 'setDefaultRWConcern', 'setClusterParameter'],
])

/**
 * The database that a command is for, and the command as that takes it. Names of collections are of the URL's database,
 * in `renameCollection` and `bulkWrite` too, which the server wants in full.
 */
export function addressed(command: Document, db: Db): ['admin' | 'own', Document] {
  const [name = ''] = Object.keys(command)
  const own = `${db.databaseName}.`
  const full = (value: unknown): unknown =>
    typeof value !== 'string' || value.startsWith(own) ? value : `${own}${value}`
  if (name === 'renameCollection') {
    return ['admin', { ...command, renameCollection: full(command[name]), to: full(command['to']) }]
  }
  if (name === 'bulkWrite') {
    const spaces: unknown = command['nsInfo']
    const nsInfo = Array.isArray(spaces)
      ? (spaces as Document[]).map((space) => ({ ...space, ns: full(space['ns']) }))
      : spaces
    // What went well need not be listed: the first answer then holds all that was refused.
    return [
      'admin',
      {
        ...command,
        errorsOnly: (command['errorsOnly'] as unknown) ?? true,
        ...(nsInfo === undefined ? {} : { nsInfo }),
      },
    ]
  }
  return [ON_ADMIN.has(name) ? 'admin' : 'own', command]
}
