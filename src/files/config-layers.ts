import { resolve } from 'node:path'
import { parseDuration } from '../core/duration.js'
import { MigrateError } from '../core/errors.js'
import type { LoadedConfig } from './config-load.js'
import { placeOfKey, withVariables, type KeyPlace } from './config-text.js'

/** Options from one origin. */
export interface Layer {
  /** By name, the nested ones with a dot. */
  readonly values: ReadonlyMap<string, unknown>
  /** Where its relative paths begin. */
  readonly root: string
  /** What the origin calls an option: `--dir`, `MIGRATE_DIR`, `"dir"`. */
  readonly nameOf: (option: string) => string
  /** Of its group in the file; null when it is not from the file. */
  readonly path: readonly string[] | null
}

interface Found<T> {
  readonly value: T
  readonly layer: Layer
}

/** Options from several origins, the stronger first. Variables are put in when a value is asked for: one that is not used need not be set. */
export class Layers {
  readonly #layers: readonly Layer[]
  readonly #env: NodeJS.ProcessEnv
  readonly #loaded: LoadedConfig | null

  constructor(layers: readonly Layer[], env: NodeJS.ProcessEnv, loaded: LoadedConfig | null) {
    this.#layers = layers
    this.#env = env
    this.#loaded = loaded
  }

  /** Index of the strongest layer that has one of the options; infinite when none has. */
  firstWith(options: readonly string[]): number {
    const index = this.#layers.findIndex(({ values }) =>
      options.some((option) => values.get(option) !== undefined),
    )
    return index === -1 ? Infinity : index
  }

  /** @throws MigrateError MIG-CONFIG-INVALID when one origin gives both of two options that exclude each other */
  refuseBoth(depth: number, one: string, other: string): void {
    const layer = this.#layers[depth]
    if (layer === undefined || [one, other].some((option) => layer.values.get(option) === undefined)) return
    throw this.#invalid(
      layer,
      other,
      `${layer.nameOf(one)} and ${layer.nameOf(other)} are both given.`,
      'Keep one of them.',
    )
  }

  /** @param depth only the layer of that index */
  text(option: string, depth?: number): Found<string> | undefined {
    const found = this.#find(option, depth)
    return typeof found?.value === 'string'
      ? { value: this.#whole(option, found.value, found.layer), layer: found.layer }
      : undefined
  }

  /** As it was written, with its variables. */
  written(option: string, depth: number): string | undefined {
    const value = this.#find(option, depth)?.value
    return typeof value === 'string' ? value : undefined
  }

  /** Made absolute. */
  path(option: string, depth?: number): string | undefined {
    const found = this.text(option, depth)
    return found === undefined ? undefined : resolve(found.layer.root, found.value)
  }

  function(option: string, depth?: number): (() => unknown) | undefined {
    const value = this.#find(option, depth)?.value
    return typeof value === 'function' ? () => Reflect.apply(value, undefined, []) as unknown : undefined
  }

  /** In milliseconds. @param least where less would be of no use */
  time(option: string, least = 0): number | undefined {
    const found = this.#find(option)
    if (found === undefined) return undefined
    const text = this.#whole(option, String(found.value), found.layer)
    const time = parseDuration(text)
    const name = found.layer.nameOf(option)
    if (time !== null && time < least) {
      throw this.#invalid(
        found.layer,
        option,
        `${name} is too short a time: ${text}.`,
        `Write ${least / 1000}s or more.`,
      )
    }
    if (time !== null) return time
    throw this.#invalid(
      found.layer,
      option,
      `${name} is no time: ${text}.`,
      'Write it as 500ms, 5s, 2m or 1h; the longest is 596h.',
    )
  }

  /** A whole number from 0. */
  count(option: string): number | undefined {
    const found = this.#find(option)
    if (found === undefined) return undefined
    const text = this.#whole(option, String(found.value), found.layer).trim()
    if (/^\d{1,6}$/.test(text)) return Number(text)
    const name = found.layer.nameOf(option)
    throw this.#invalid(found.layer, option, `${name} is no number: ${text}.`, 'Write a whole number, as 5.')
  }

  /** False when it is nowhere. */
  yes(option: string): boolean {
    const found = this.#find(option)
    if (found === undefined) return false
    const text = this.#whole(option, String(found.value), found.layer)
    if (text === 'true' || text === '1') return true
    if (text === 'false' || text === '0') return false
    const name = found.layer.nameOf(option)
    throw this.#invalid(
      found.layer,
      option,
      `${name} is neither true nor false: ${text}.`,
      'Write true or false.',
    )
  }

  oneOf<T extends string>(option: string, words: readonly T[]): T | undefined {
    const found = this.text(option)
    if (found === undefined) return undefined
    const word = words.find((candidate) => candidate === found.value)
    if (word !== undefined) return word
    const name = found.layer.nameOf(option)
    throw this.#invalid(
      found.layer,
      option,
      `${name} cannot be "${found.value}".`,
      `Write ${words.join(' or ')}.`,
    )
  }

  /** Program and arguments; a single text is cut at blanks that are not within quotes. */
  command(option: string): readonly string[] | undefined {
    const found = this.#find(option)
    if (found === undefined) return undefined
    const { value, layer } = found
    const words = Array.isArray(value)
      ? value.map((word) => this.#whole(option, String(word), layer))
      : cutWords(this.#whole(option, String(value), layer))
    if (words.length > 0 && words[0] !== '') return words
    throw this.#invalid(
      layer,
      option,
      `${layer.nameOf(option)} is empty.`,
      'Write a command, as "prettier --write".',
    )
  }

  #find(option: string, depth?: number): Found<unknown> | undefined {
    for (const [index, layer] of this.#layers.entries()) {
      const value = layer.values.get(option)
      if (value !== undefined && (depth === undefined || depth === index)) return { value, layer }
    }
    return undefined
  }

  #whole(option: string, value: string, layer: Layer): string {
    return layer.path === null ? value : withVariables(value, this.#env, () => this.#place(layer, option))
  }

  #place(layer: Layer, option: string): Partial<KeyPlace> {
    if (this.#loaded === null || layer.path === null) return {}
    return placeOfKey(this.#loaded, [...layer.path, ...option.split('.')])
  }

  #invalid(layer: Layer, option: string, message: string, hint: string): MigrateError {
    return new MigrateError('MIG-CONFIG-INVALID', message, { ...this.#place(layer, option), hint })
  }
}

function cutWords(text: string): string[] {
  const words = text.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? []
  return words.map((word) =>
    word.replace(
      /"([^"]*)"|'([^']*)'/g,
      (_, double: string | undefined, single: string | undefined) => double ?? single ?? '',
    ),
  )
}
