import { kindOf } from './points.js'
import type { ProtocolName } from './protocols.js'

type Kinds = readonly (readonly [RegExp, string])[]

const COMMON: Kinds = [
  [/^\(logging in\)/, 'logging in'],
  [/^\(good-bye\)/, 'leaving'],
]

/** Commands as extended JSON; writes of the metadata are texts in it, whose quotes are escaped. */
const MONGO: Kinds = [
  ...COMMON,
  [/^\{"findAndModify":"migrate_lock"/i, 'the lock'],
  [/^\{"update":"migrate_lock".*"owner":null/, 'letting the lock go'],
  [/^\{"update":"migrate_lock".*"(?:\$max|expires)"/, 'the lock'],
  [/^\{"update":"migrate_lock".*\\"state\\":\\"intent\\"/, 'intent'],
  [/^\{"update":"migrate_lock".*\\"kind\\":\\"history\\"/, 'the history row'],
  [/^\{"update":"migrate_lock".*\\"kind\\":\\"tags\\"/, 'the tag'],
  [/^\{"update":"migrate_lock".*\\"state\\":\\"done\\"/, 'done'],
  [/^\{"update":"migrate_lock".*\\"kind\\":\\"log\\"/, 'a line of the log'],
  [/^\{"update":"migrate_lock"/, 'the fence'],
  [/^\{"create":"migrate_|^\{"update":"migrate_meta"/, 'its own collections'],
  [/^\{"(?:update|delete|insert)":"migrate_backfill"/, 'the place of a backfill'],
  [/^\{"(?:update|delete|insert)":"migrate_/, 'putting what waits into its place'],
  [/^\{"findAndModify":"migrate_meta"/i, 'numbers'],
  [/^\{"commitTransaction"/, 'COMMIT'],
  [/^\{"(?:find|listCollections|listIndexes|aggregate|getMore|count)":/, 'reading'],
  [/^\{"createIndexes":/, 'an index'],
]

/** The arguments of a script are its keys and values; what it does with them is in their words. */
const REDIS: Kinds = [
  ...COMMON,
  [/^EVAL 2 \S*:lock:\S* \S*:fence \{/, 'prolonging the lock'],
  [/^EVAL 2 \S*:lock:/, 'the lock'],
  [/^EVAL 1 \S*:lock:/, 'letting the lock go'],
  [/^EVAL 10 .*"state":"intent"/, 'intent'],
  [/^EVAL 10 .* (?:apply|revert) /, 'the history row'],
  [/^EVAL 10 .* tag /, 'the tag'],
  [/^EVAL 10 .*"state":"done"/, 'done'],
  [/^EVAL 10 .* (?:set|unset) 7 /, 'the place of a scan'],
  [/^EVAL 10 .* log /, 'a line of the log'],
  [/^EVAL 10 /, 'its own keys'],
  [/^SCAN /, 'a scan of keys'],
  [/^(?:HGET|HVALS|HKEYS|MULTI|EXEC|LRANGE|GET|EXISTS|TYPE|COMMAND)\b/, 'reading'],
  [/^FUNCTION /, 'functions'],
]

/** What a message is for, told from its text. */
export function kindIn(protocol: ProtocolName, text: string): string {
  if (protocol !== 'mongo' && protocol !== 'redis') return kindOf(text)
  const kinds = protocol === 'mongo' ? MONGO : REDIS
  return kinds.find(([pattern]) => pattern.test(text))?.[1] ?? 'a command'
}
