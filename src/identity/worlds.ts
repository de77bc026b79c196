import { assertNever, type Decider } from '../eventsourcing/decider.js';
import { Refused } from '../eventsourcing/refused.js';
import { requireRoles } from './role-field.js';
import type { OwnRoles, TraitGrants } from './roles.js';
import type { GrantWorldRole, PatchWorldConfig, RevokeWorldRole } from './worlds.commands.js';

/** Everything a world is configured with. */
export type WorldSettings = {
  readonly title: string;
  readonly trait_grants: TraitGrants;
  /** Signed-in sockets of one user on one server; null: as many as the server allows. */
  readonly connection_limit: number | null;
  readonly roles: OwnRoles;
};

export type WorldEvent =
  | { type: 'WorldOpened'; data: { title: string; trait_grants: TraitGrants } }
  | { type: 'WorldConfigPatched'; data: { patch: Partial<WorldSettings> } }
  | { type: 'WorldRoleGranted'; data: { user: string; role: string } }
  | { type: 'WorldRoleRevoked'; data: { user: string; role: string } };

/** Given by the server on a world's first valid token; never sent by a client. */
export type OpenWorld = { readonly type: 'OpenWorld'; readonly trait_grants: TraitGrants };

export type WorldCommand = OpenWorld | PatchWorldConfig | GrantWorldRole | RevokeWorldRole;

export type World = { readonly status: 'none' } | { readonly status: 'open'; readonly settings: WorldSettings };

/** One tenant: one stream per world. Source: wire contract, section 2. */
export const worlds: Decider<World, WorldCommand, WorldEvent> = {
  category: 'world',
  events: {
    WorldOpened: { schema: 1 },
    WorldConfigPatched: { schema: 1 },
    WorldRoleGranted: { schema: 1 },
    WorldRoleRevoked: { schema: 1 },
  },
  initial: { status: 'none' },
  streamOf: (_command, { world }) => world,
  evolve: (state, event) => {
    switch (event.type) {
      case 'WorldOpened': {
        const { title, trait_grants } = event.data;
        return { status: 'open', settings: { title, trait_grants, connection_limit: null, roles: {} } };
      }
      case 'WorldConfigPatched':
        if (state.status !== 'open') return state;
        return { ...state, settings: { ...state.settings, ...event.data.patch } };
      case 'WorldRoleGranted':
      case 'WorldRoleRevoked':
        return state;
      default:
        return assertNever(event);
    }
  },
  decide: (command, state, { world }) => {
    switch (command.type) {
      case 'OpenWorld':
        if (state.status === 'open') throw new Refused('world.already_open');
        return [{ type: 'WorldOpened', data: { title: world, trait_grants: command.trait_grants } }];
      case 'PatchWorldConfig': {
        if (state.status !== 'open') throw new Refused('world.unknown');
        const { type: _type, ...patch } = command;
        // As it comes out: a role that traits are still granted cannot be taken away either.
        const { trait_grants, roles } = { ...state.settings, ...patch };
        requireRoles({ field: 'trait_grants', names: Object.keys(trait_grants) }, roles, 'config.invalid');
        return [{ type: 'WorldConfigPatched', data: { patch } }];
      }
      case 'GrantWorldRole':
        return [{ type: 'WorldRoleGranted', data: { user: command.user, role: command.role } }];
      case 'RevokeWorldRole':
        return [{ type: 'WorldRoleRevoked', data: { user: command.user, role: command.role } }];
      default:
        return assertNever(command);
    }
  },
};
