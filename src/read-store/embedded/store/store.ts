import { failure } from '../errors.js';
import { decode, encode, isDoc } from '../bson/values.js';
import type { Doc } from '../bson/values.js';
import type { CompileExpression } from '../query/filter.js';
import { Collection } from './collection.js';
import { describeIndex, idIndex, parseIndexSpec } from './index-spec.js';
import { catalogCollection, DamagedRow } from './storage.js';
import type { LmdbStorage } from './storage.js';

/** Databases and their collections. Names are kept in a catalog row, so that a collection is renamed in one write. */
export class Store {
  private readonly collections = new Map<string, Collection>();
  private nextId = catalogCollection + 1;

  constructor(
    readonly storage: LmdbStorage,
    private readonly expression: CompileExpression,
  ) {}

  /** Reads everything back. @throws DamagedRow */
  static load(storage: LmdbStorage, expression: CompileExpression): Store {
    const store = new Store(storage, expression);
    const byId = new Map<number, Collection>();
    for (const { collection, seq, bytes } of storage.rows()) {
      if (collection === catalogCollection) {
        store.readCatalog(decode(bytes));
        for (const loaded of store.collections.values()) byId.set(loaded.id, loaded);
        continue;
      }
      const owner = byId.get(collection);
      if (!owner) throw new DamagedRow(`row ${seq} belongs to the unknown collection ${collection}`);
      owner.load(seq, decode(bytes), bytes.length);
    }
    return store;
  }

  private readCatalog(catalog: Doc): void {
    this.nextId = Number(catalog['nextId']);
    for (const entry of Array.isArray(catalog['collections']) ? (catalog['collections'] as unknown[]) : []) {
      if (!isDoc(entry) || !Array.isArray(entry['indexes'])) throw new DamagedRow('the catalog cannot be read');
      const namespace = String(entry['ns']);
      const specs = entry['indexes'].map(parseIndexSpec);
      this.collections.set(
        namespace,
        new Collection(Number(entry['id']), namespace, this.storage, this.expression, specs),
      );
    }
  }

  /** Puts the catalog on its way to disk. */
  saveCatalog(): void {
    const collections = [...this.collections.values()].map((collection) => ({
      id: collection.id,
      ns: collection.namespace,
      indexes: [...collection.indexes.values()]
        .filter(({ spec }) => spec.name !== idIndex.name)
        .map(({ spec }) => describeIndex(spec)),
    }));
    this.storage.put(catalogCollection, 0, encode({ nextId: this.nextId, collections }));
  }

  find(namespace: string): Collection | undefined {
    return this.collections.get(namespace);
  }

  /** @throws NamespaceNotFound */
  existing(namespace: string): Collection {
    const found = this.collections.get(namespace);
    if (!found) throw failure(26, `ns does not exist: ${namespace}`);
    return found;
  }

  /** Collections come into being with their first write. @throws InvalidNamespace */
  findOrCreate(namespace: string): Collection {
    const found = this.collections.get(namespace);
    if (found) return found;
    checkNamespace(namespace);
    const created = new Collection(this.nextId++, namespace, this.storage, this.expression);
    this.collections.set(namespace, created);
    this.saveCatalog();
    return created;
  }

  drop(namespace: string): boolean {
    const found = this.collections.get(namespace);
    if (!found) return false;
    this.collections.delete(namespace);
    for (const seq of found.rows.keys()) this.storage.remove(found.id, seq);
    this.saveCatalog();
    return true;
  }

  /** @throws NamespaceNotFound, NamespaceExists, InvalidNamespace */
  rename(from: string, to: string, dropTarget: boolean): void {
    const source = this.collections.get(from);
    if (!source) throw failure(26, `Source collection ${from} does not exist`);
    if (from === to) throw failure(20, "Can't rename a collection to itself");
    checkNamespace(to);
    if (this.collections.has(to)) {
      if (!dropTarget) throw failure(48, 'target namespace exists');
      this.drop(to);
    }
    this.collections.delete(from);
    source.namespace = to;
    this.collections.set(to, source);
    this.saveCatalog();
  }

  /** Collections of one database, by name. */
  inDatabase(database: string): { name: string; collection: Collection }[] {
    const prefix = `${database}.`;
    return [...this.collections]
      .filter(([namespace]) => namespace.startsWith(prefix))
      .map(([namespace, collection]) => ({ name: namespace.slice(prefix.length), collection }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  databases(): string[] {
    return [
      ...new Set([...this.collections.keys()].map((namespace) => namespace.slice(0, namespace.indexOf('.')))),
    ].toSorted();
  }
}

function checkNamespace(namespace: string): void {
  const dot = namespace.indexOf('.');
  const [database, name] = [namespace.slice(0, dot), namespace.slice(dot + 1)];
  if (dot < 1 || database.length > 63 || /[\s/\\."$\0*<>:|?]/.test(database)) {
    throw failure(73, `Invalid database name: '${database}'`);
  }
  if (
    name === '' ||
    name.includes('\0') ||
    name.includes('$') ||
    name.startsWith('.') ||
    name.endsWith('.') ||
    name.startsWith('system.')
  ) {
    throw failure(73, `Invalid collection name: ${name}`);
  }
  if (Buffer.byteLength(namespace) > 255) throw failure(73, `Fully qualified namespace is too long: ${namespace}`);
}
