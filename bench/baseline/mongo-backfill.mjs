// An update in batches as somebody writes it by hand who knows that the _ids are 1, 2, 3…: url, documents, documents a batch.
import { MongoClient } from 'mongodb'

const [url = '', documents = '0', batch = '0'] = process.argv.slice(2)
const client = new MongoClient(url)
const big = client.db().collection('big')
for (let from = 0; from < Number(documents); from += Number(batch))
  await big.updateMany({ _id: { $gt: from, $lte: from + Number(batch) } }, { $inc: { n: 1 } })
await client.close()
