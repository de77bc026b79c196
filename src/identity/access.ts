import type { RoomConfigRow } from '../../projections/room-config.js';
import type { WorldConfigRow } from '../../projections/world-config.js';
import { Refused } from '../eventsourcing/refused.js';
import { requireRoles, type NamedRoles } from './role-field.js';
import { invited, matches, permissions, permissionsOf } from './roles.js';
import type { OwnRoles, Permission, TraitGrants } from './roles.js';
import type { Session } from './session.js';

/** What access is decided on: the rows of `world_config` and `room_config`, kept in memory from the log. */
export interface AccessFacts {
  readonly worlds: ReadonlyMap<string, WorldConfigRow>;
  readonly rooms: ReadonlyMap<string, RoomConfigRow>;
  /** Ids of a world's rooms. */
  roomsOf(world: string): Iterable<string>;
  /** Grows with every change of rights. */
  readonly version: number;
}

/** One permission, or any of several. */
export type AnyOf = Permission | readonly Permission[];

/** Roles a command names; `held` says whose, and where, when the command takes one away. */
export interface RolesToGive extends NamedRoles {
  readonly held?: { readonly user: string; readonly room?: string };
}

interface Grants {
  readonly trait_grants: TraitGrants;
  readonly grants: readonly { readonly user: string; readonly role: string }[];
}

interface Memo {
  readonly version: number;
  readonly world: ReadonlySet<Permission>;
  /** By room; made with the first one asked for. */
  rooms?: Map<string, ReadonlySet<Permission>>;
  audience?: string;
}

const none: ReadonlySet<Permission> = new Set();
const ofInvited: ReadonlySet<Permission> = new Set(invited);
const noRoles: OwnRoles = {};

/** The one place that says who may do what; asked for every command, query, subscription and delivery. */
export class Access {
  /** A session's permissions as of a version of the facts: deliveries ask again and again. */
  private readonly memos = new WeakMap<Session, Memo>();
  private readonly sets = new Map<string, ReadonlySet<Permission>>();
  /** Users with an explicit grant somewhere in a world. */
  private readonly grantees = new Map<string, { readonly version: number; readonly users: ReadonlySet<string> }>();

  constructor(private readonly facts: AccessFacts) {}

  /** In the world, or in one of its rooms. A deleted room's rights stay known, so that its deletion can be told. */
  can(session: Session, permission: AnyOf, room?: string): boolean {
    const held = room === undefined ? this.inWorld(session) : this.inRoom(session, room);
    return typeof permission === 'string' ? held.has(permission) : permission.some((one) => held.has(one));
  }

  /** @throws Refused auth.denied; with a room: room.unknown, protocol.denied */
  require(session: Session, permission: AnyOf, room?: string): void {
    if (room !== undefined) this.requireRoom(session, room);
    if (this.can(session, permission, room)) return;
    throw new Refused(room === undefined ? 'auth.denied' : 'protocol.denied');
  }

  /** @throws Refused room.unknown */
  requireRoom(session: Session, room: string): void {
    const row = this.facts.rooms.get(room);
    if (row?.world !== session.world || row.status !== 'open') throw new Refused('room.unknown');
  }

  /**
   * Roles must be the world's. One that the world has no more can still be taken from who holds it.
   * @throws Refused `code`
   */
  requireRoles({ world }: Session, roles: RolesToGive, code: string): void {
    const { held, names } = roles;
    const holders = held?.room === undefined ? this.facts.worlds.get(world) : this.facts.rooms.get(held.room);
    if (held && holders?.grants.some(({ user, role }) => user === held.user && names.includes(role))) return;
    requireRoles(roles, this.facts.worlds.get(world)?.roles ?? noRoles, code);
  }

  inWorld(session: Session): ReadonlySet<Permission> {
    return this.memoOf(session).world;
  }

  inRoom(session: Session, room: string): ReadonlySet<Permission> {
    const memo = this.memoOf(session);
    memo.rooms ??= new Map();
    let known = memo.rooms.get(room);
    if (!known) {
      const row = this.facts.rooms.get(room);
      known = row?.world === session.world ? this.join(memo.world, row, room, session) : none;
      memo.rooms.set(room, known);
    }
    return known;
  }

  /** Sessions of a world with the same key may do the same everywhere in it, as long as the facts don't change. */
  audienceOf(session: Session): string {
    const memo = this.memoOf(session);
    memo.audience ??= JSON.stringify(
      session.anonymous
        ? session.anonymous
        : [[...session.traits].toSorted(), this.hasGrants(session) ? session.userId : null],
    );
    return memo.audience;
  }

  private memoOf(session: Session): Memo {
    const known = this.memos.get(session);
    if (known?.version === this.facts.version) return known;
    const row = this.facts.worlds.get(session.world);
    const memo: Memo = {
      version: this.facts.version,
      world: row && !session.anonymous ? this.shared(granted(row, session, row.roles)) : none,
    };
    this.memos.set(session, memo);
    return memo;
  }

  /** A room's grants count in that room only, and only for what is done in rooms. */
  private join(
    world: ReadonlySet<Permission>,
    row: RoomConfigRow,
    room: string,
    session: Session,
  ): ReadonlySet<Permission> {
    if (session.anonymous) return session.anonymous.room === room ? ofInvited : none;
    const own = this.facts.worlds.get(session.world)?.roles ?? noRoles;
    const here = [...granted(row, session, own)].filter((permission) => permission.startsWith('room:'));
    return here.length === 0 ? world : this.shared(new Set([...world, ...here]));
  }

  /** Thousands of sessions hold the same few sets of permissions: each is kept once. */
  private shared(held: ReadonlySet<Permission>): ReadonlySet<Permission> {
    const key = listed(held).join();
    const known = this.sets.get(key);
    if (!known) this.sets.set(key, held);
    return known ?? held;
  }

  private hasGrants({ world, userId }: Session): boolean {
    let known = this.grantees.get(world);
    if (known?.version !== this.facts.version) {
      const rows = [
        this.facts.worlds.get(world),
        ...[...this.facts.roomsOf(world)].map((id) => this.facts.rooms.get(id)),
      ];
      const users = new Set(rows.flatMap((row) => row?.grants.map(({ user }) => user) ?? []));
      this.grantees.set(world, (known = { version: this.facts.version, users }));
    }
    return known.users.has(userId);
  }
}

/** Permissions in the order of the table, for clients to read. */
export function listed(held: ReadonlySet<Permission>): Permission[] {
  return permissions.filter((permission) => held.has(permission));
}

function granted({ trait_grants, grants }: Grants, { userId, traits }: Session, own: OwnRoles): Set<Permission> {
  const held = new Set<Permission>();
  const give = (role: string): void => permissionsOf(role, own)?.forEach((permission) => held.add(permission));
  for (const [role, required] of Object.entries(trait_grants)) if (matches(required, traits)) give(role);
  for (const { user, role } of grants) if (user === userId) give(role);
  return held;
}
