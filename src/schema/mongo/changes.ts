import { without } from './canonical.js'
import type { Document } from './ejson.js'
import { RESTORE, RETIRE } from './retire.js'

/** One change of a collection or an index: one command, and all that is needed to undo it. */
export type Change =
  | { readonly kind: 'create-collection'; readonly collection: string; readonly options: Document }
  | { readonly kind: 'drop-collection'; readonly collection: string; readonly options: Document }
  | {
      readonly kind: 'modify-collection'
      readonly collection: string
      readonly to: Document
      readonly was: Document
    }
  | { readonly kind: 'create-index'; readonly collection: string; readonly index: Document }
  | { readonly kind: 'drop-index'; readonly collection: string; readonly index: Document }
  | {
      /** Hidden now, dropped by a later run; or shown again, and built again where it was dropped. */
      readonly kind: 'retire-index' | 'restore-index'
      readonly collection: string
      readonly name: string
      readonly hideFor: string
    }
  | {
      readonly kind: 'modify-index'
      readonly collection: string
      readonly name: string
      readonly to: Document
      readonly was: Document
      /** The whole index as it was, where the server does not take the change back in place. */
      readonly before?: Document
    }

/** What undoes changes, the last first. An index of a collection that goes again need not be dropped before. */
export function inverse(changes: readonly Change[]): Change[] {
  const made = new Set(
    changes.flatMap((change) => (change.kind === 'create-collection' ? [change.collection] : [])),
  )
  const undoing = changes
    .toReversed()
    .filter((change) => change.kind === 'create-collection' || !made.has(change.collection))
    .flatMap(inverseOf)
  return undoing.flatMap((change, at) => {
    if (isShownAfter(undoing[at - 1], change)) return []
    return isShownAfter(change, undoing[at + 1]) ? visible(change) : change
  })
}

/** Made hidden, and shown at once: it may as well be made as it shall be. */
function isShownAfter(made: Change | undefined, shown: Change | undefined): boolean {
  if (made?.kind !== 'create-index' || shown?.kind !== 'modify-index' || shown.to['hidden'] !== false)
    return false
  const { collection, index } = made
  return index['hidden'] === true && collection === shown.collection && index['name'] === shown.name
}

function visible(change: Change): Change {
  return change.kind === 'create-index' ? { ...change, index: without(change.index, ['hidden']) } : change
}

function inverseOf(change: Change): Change | Change[] {
  switch (change.kind) {
    case 'create-collection':
      return { ...change, kind: 'drop-collection' }
    case 'drop-collection':
      return { ...change, kind: 'create-collection' }
    case 'create-index':
      return { ...change, kind: 'drop-index' }
    case 'drop-index':
      return { ...change, kind: 'create-index' }
    case 'retire-index':
      return { ...change, kind: 'restore-index' }
    case 'restore-index':
      return { ...change, kind: 'retire-index' }
    case 'modify-collection':
      return { ...change, to: change.was, was: change.to }
    case 'modify-index': {
      const { before, collection, to } = change
      if (before === undefined) return { ...change, to: change.was, was: to }
      return [
        { kind: 'drop-index', collection, index: { ...before, ...to } },
        { kind: 'create-index', collection, index: before },
      ]
    }
  }
}

/** For servers that make no index hidden: it is made, and then hidden. */
export function hiddenAfterwards(changes: readonly Change[]): Change[] {
  return changes.flatMap((change): Change | Change[] => {
    if (change.kind !== 'create-index' || change.index['hidden'] !== true) return change
    const { hidden, ...index } = change.index
    const name = String(index['name'])
    return [
      { ...change, index },
      { kind: 'modify-index', collection: change.collection, name, to: { hidden }, was: { hidden: false } },
    ]
  })
}

/** As the server takes it. */
export function commandOf(change: Change): Document {
  const { collection } = change
  switch (change.kind) {
    case 'create-collection':
      return { create: collection, ...change.options }
    case 'drop-collection':
      return { drop: collection }
    case 'modify-collection':
      return { collMod: collection, ...change.to }
    case 'create-index':
      return { createIndexes: collection, indexes: [change.index] }
    case 'drop-index':
      return { dropIndexes: collection, index: change.index['name'] }
    case 'retire-index':
      return { [RETIRE]: collection, index: change.name, hideFor: change.hideFor }
    case 'restore-index':
      return { [RESTORE]: collection, index: change.name }
    case 'modify-index':
      return { collMod: collection, index: { name: change.name, ...change.to } }
  }
}
