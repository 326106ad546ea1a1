import type { Family, Place } from './place.js'
import { mongoHasApplied, mongoSnapshot } from './snapshot-mongo.js'
import { redisHasApplied, redisSnapshot } from './snapshot-redis.js'
import { sqlHasApplied, sqlSnapshot } from './snapshot-sql.js'
import type { Snapshot } from './snapshot.js'

export function snapshotOf(place: Place, family: Family): Promise<Snapshot> {
  if (family === 'mongo') return mongoSnapshot(place)
  return family === 'redis' ? redisSnapshot(place) : sqlSnapshot(place, family)
}

/** Whether the history has it, read beside the tool. */
export function hasApplied(place: Place, family: Family, revision: string): Promise<boolean> {
  if (family === 'mongo') return mongoHasApplied(place, revision)
  return family === 'redis' ? redisHasApplied(place, revision) : sqlHasApplied(place, revision)
}
