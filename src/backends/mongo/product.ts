/** Its clusters without instances have less than the others. */
export const ELASTIC = 'Amazon DocumentDB elastic cluster'

/** Services that say they are MongoDB, by the ends of their hosts' names, those of other countries' clouds among them. */
const HOSTS: readonly (readonly [name: RegExp, product: string])[] = [
  [/\.docdb\.amazonaws\.com$|\.docdb\.[\w-]+\.amazonaws\.com\.cn$/i, 'Amazon DocumentDB'],
  [/\.docdb-elastic\.amazonaws\.com$/i, ELASTIC],
  [/\.mongocluster\.cosmos\.azure\.(?:com|us|cn)$/i, 'DocumentDB'],
  [/\.cosmos\.azure\.(?:com|us|cn)$/i, 'Cosmos DB'],
]

/** @param build the answer to `buildInfo` */
export function productOf(build: Readonly<Record<string, unknown>>, hosts: readonly string[]): string {
  if ('ferretdb' in build || 'ferretdbVersion' in build) return 'FerretDB'
  const internal = build['internal']
  if (typeof internal === 'object' && internal !== null && 'documentdb_versions' in internal)
    return 'DocumentDB'
  const found = HOSTS.find(([name]) => hosts.some((host) => name.test(host)))
  return found?.[1] ?? 'MongoDB'
}
