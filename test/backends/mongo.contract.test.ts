import { MongoClient } from 'mongodb'
import { describe, test } from 'vitest'
import { mongodb } from '../../src/backends/mongo/index.js'
import { backendContract, type ContractDatabase } from '../../src/testing.js'
import { createDatabase } from '../servers/create-database.js'
import { describeServers } from '../servers/database.js'
import type { ServerInfo } from '../servers/index.js'

describeServers(['documentdb', 'mongodb'], (server) => {
  backendContract(
    server.name,
    {
      backend: mongodb,
      fresh: () => fresh(server),
      samples: {
        create: (name) => `{"create": "${name}"}`,
        insert: (name, value) => `{"insert": "${name}", "documents": [{"value": "${value}"}]}`,
        list: (name) => `{"find": "${name}"}`,
        failing: '{"createIndexes": "thing", "indexes": [{"key": {"a": "sideways"}, "name": "a"}]}',
        comment: '// nothing but a comment',
        sameMeaning: [
          '{"create": "a"}\n\n{"insert": "a", "documents": [{"x": "// no comment"}]}\n',
          '// first\r\n{ "create" : "a" } ;  \r\n/* second */ {"insert": "a",\r\n  "documents": [{"x": "// no comment"}]}',
        ],
        tamper: {
          newer: (prefix) =>
            `{"update": "${prefix}meta", "updates": [{"q": {"_id": "format"}, "u": {"$set": {"value": 999}}}]}`,
          corrupt: (prefix) =>
            `{"update": "${prefix}history", "updates": [{"q": {}, "u": {"$set": {"parents": {"no": "list"}}}}]}`,
        },
        schema: (database) => `${new URL(database.connect.url ?? '').pathname.slice(1)}_meta`,
        unreachable: 'mongodb://nobody:secret@127.0.0.1:1/nothing',
      },
      skip: [
        {
          reason: 'the gateway of the tests and the container know no passwords',
          tests: ['a wrong password is told without the password'],
        },
        {
          reason: 'a collection that is not there is made by the first write',
          tests: ['executeAfter does not begin the statement when the changes fail'],
        },
      ],
    },
    { describe, test },
  )
})

async function fresh(server: ServerInfo): Promise<ContractDatabase> {
  const database = await createDatabase(server)
  const { url, name } = database
  return {
    connect: { url },
    drop: async () => {
      const client = new MongoClient(url)
      await client.db(`${name}_meta`).dropDatabase()
      await client.close()
      await database.drop()
    },
    lend: () => {
      const client = new MongoClient(url, { appName: 'application' })
      return Promise.resolve({
        client,
        state: async () => {
          const answer = await client.db().command({ ping: 1 })
          return JSON.stringify([client.options.appName, client.options.retryWrites, answer['ok']])
        },
        close: () => client.close(),
      })
    },
  }
}
