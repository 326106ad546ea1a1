import type { Client } from './driver.js'

/**
 * Whether a command of an earlier run has its effect: then it need not run again, whether it has run or not. Whether one
 * without its effect has not run, or was followed by another, nobody knows.
 */
export async function observeCommand(
  client: Client,
  [name = '', ...words]: readonly string[],
): Promise<'applied' | 'unknown'> {
  return (await hasEffect(client, name.toUpperCase(), words)) ? 'applied' : 'unknown'
}

async function hasEffect(client: Client, name: string, words: readonly string[]): Promise<boolean> {
  const [key = '', value = ''] = words
  switch (name) {
    case 'SET':
      return (
        words.length === 2 && (await typeOf(client, key)) === 'string' && (await client.get(key)) === value
      )
    case 'HSET':
      return (await typeOf(client, key)) === 'hash' && (await hasFields(client, key, words.slice(1)))
    case 'SADD': {
      if (words.length < 2 || (await typeOf(client, key)) !== 'set') return false
      return (await client.smismember(key, ...words.slice(1))).every((answer) => answer === 1)
    }
    case 'DEL':
    case 'UNLINK':
      return (await client.exists(...words)) === 0
    case 'RENAME':
    case 'RENAMENX':
      return key !== value && (await client.exists(key)) === 0 && (await client.exists(value)) === 1
    default:
      return false
  }
}

const typeOf = (client: Client, key: string): Promise<string> => client.type(key)

async function hasFields(client: Client, key: string, pairs: readonly string[]): Promise<boolean> {
  if (pairs.length === 0 || pairs.length % 2 === 1) return false
  const fields = pairs.filter((_, index) => index % 2 === 0)
  const values = pairs.filter((_, index) => index % 2 === 1)
  const present = await client.hmget(key, ...fields)
  return present.every((value, index) => value === values[index])
}
