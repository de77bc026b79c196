import { assertNever, type Decider } from '../eventsourcing/decider.js';
import { Refused } from '../eventsourcing/refused.js';
import type { TraitGrants } from './roles.js';
import type { GrantWorldRole, RevokeWorldRole } from './worlds.commands.js';

export type WorldEvent =
  | { type: 'WorldOpened'; data: { title: string; trait_grants: TraitGrants } }
  | { type: 'WorldRoleGranted'; data: { user: string; role: string } }
  | { type: 'WorldRoleRevoked'; data: { user: string; role: string } };

/** Given by the server on a world's first valid token; never sent by a client. */
export type OpenWorld = { readonly type: 'OpenWorld'; readonly trait_grants: TraitGrants };

export type WorldCommand = OpenWorld | GrantWorldRole | RevokeWorldRole;

export type World = { readonly status: 'none' } | { readonly status: 'open' };

/** One tenant: one stream per world. Source: wire contract, section 2. */
export const worlds: Decider<World, WorldCommand, WorldEvent> = {
  category: 'world',
  events: { WorldOpened: { schema: 1 }, WorldRoleGranted: { schema: 1 }, WorldRoleRevoked: { schema: 1 } },
  initial: { status: 'none' },
  streamOf: (_command, { world }) => world,
  evolve: (state, event) => {
    switch (event.type) {
      case 'WorldOpened':
        return { status: 'open' };
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
      case 'GrantWorldRole':
        return [{ type: 'WorldRoleGranted', data: { user: command.user, role: command.role } }];
      case 'RevokeWorldRole':
        return [{ type: 'WorldRoleRevoked', data: { user: command.user, role: command.role } }];
      default:
        return assertNever(command);
    }
  },
};
