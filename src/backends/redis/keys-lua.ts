import type { KeyAction } from '../../schema/redis/operations.js'

/**
 * What is done to the keys of one batch: KEYS are the keys (of a renaming each followed by its new name), ARGV what the
 * action takes. Answers with how many were changed, then the places in KEYS of those that could not be. Each key is one
 * step that may run twice.
 */
export interface KeyScript {
  readonly lua: string
  readonly args: readonly (string | number)[]
}

const each = (body: string): string => `
local done = 0
for _, key in ipairs(KEYS) do
${body}
end
return {done}
`

const DELETE = each(`  done = done + redis.call('UNLINK', key)`)
const PERSIST = each(`  done = done + redis.call('PERSIST', key)`)
const EXPIRE = each(`  if ARGV[2] ~= 'NX' or redis.call('PTTL', key) == -1 then
    done = done + redis.call('EXPIRE', key, ARGV[1])
  end`)

const RENAME = `
local done = 0
local left = {}
for i = 1, #KEYS, 2 do
  local answer = redis.pcall(ARGV[1], KEYS[i], KEYS[i + 1])
  if type(answer) == 'table' and answer.err then
    -- Gone, or renamed already: SCAN may tell of a key twice.
    if not string.find(answer.err, 'no such key', 1, true) then return answer end
  elseif answer == 0 then
    left[#left + 1] = i
  else
    done = done + 1
  end
end
return {done, unpack(left)}
`

/** A list, a set and a sorted set hold members: what differs is their order, their scores and whether one is there twice. */
const RETYPE = `
local add = {list = 'RPUSH', set = 'SADD', zset = 'ZADD'}
local done = 0
local left = {}
for index, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'none' and kind ~= ARGV[1] then
    local members
    if kind == 'list' then members = redis.call('LRANGE', key, 0, -1)
    elseif kind == 'set' then members = redis.call('SMEMBERS', key)
    elseif kind == 'zset' then members = redis.call('ZRANGE', key, 0, -1)
    end
    if not members then left[#left + 1] = index
    else
      local ttl = redis.call('PTTL', key)
      redis.call('DEL', key)
      local chunk = {}
      for place, member in ipairs(members) do
        if ARGV[1] == 'zset' then chunk[#chunk + 1] = place - 1 end
        chunk[#chunk + 1] = member
        if #chunk >= 1000 then
          redis.call(add[ARGV[1]], key, unpack(chunk))
          chunk = {}
        end
      end
      if #chunk > 0 then redis.call(add[ARGV[1]], key, unpack(chunk)) end
      if ttl > 0 then redis.call('PEXPIRE', key, ttl) end
      done = done + 1
    end
  end
end
return {done, unpack(left)}
`

/** The user's own script runs once a key, as if that were the only one. */
const transform = (lua: string): string => `
local function step(KEYS, ARGV)
${lua}
end
local done = 0
for _, key in ipairs(KEYS) do
  step({key}, {})
  done = done + 1
end
return {done}
`

export function scriptOf(action: KeyAction): KeyScript {
  switch (action.name) {
    case 'DELETE':
      return { lua: DELETE, args: [] }
    case 'PERSIST':
      return { lua: PERSIST, args: [] }
    case 'EXPIRE':
      return { lua: EXPIRE, args: [action.seconds, action.onlyWithout ? 'NX' : ''] }
    case 'RENAME':
      return { lua: RENAME, args: [action.replace ? 'RENAME' : 'RENAMENX'] }
    case 'RETYPE':
      return { lua: RETYPE, args: [action.type] }
    case 'TRANSFORM':
      return { lua: transform(action.lua), args: [] }
  }
}
