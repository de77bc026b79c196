import { Refused } from '../../eventsourcing/refused.js';
import type { WorldEvent } from '../../identity/worlds.js';
import { GrantWorldRole, RevokeWorldRole } from '../../identity/worlds.commands.js';
import { command, type Place, wire } from './wire.js';

const needs = () => ({ permission: 'world:update' }) as const;
const reply = () => ({});

/** Who holds which role in the world is for those who give roles, and for the one concerned. */
const worldRole = ({ data: { user } }: { readonly data: { readonly user: string } }): Place[] => [
  { topic: 'world', need: needs() },
  { topic: `user:${user}`, need: undefined },
];

/** Source: wire contract, section 2. */
export const identityWire = wire<WorldEvent>(
  {
    'world.grant': command({ shape: GrantWorldRole, needs, reply }),
    'world.revoke': command({ shape: RevokeWorldRole, needs, reply }),
  },
  {},
  {
    topics: {
      world: { needs: () => ({ permission: 'world:view' }) },
      user: {
        id: '<own id>',
        needs: (id, { userId }) => {
          if (id !== userId) throw new Refused('auth.denied', 'Another user cannot be followed.');
          return undefined;
        },
      },
    },
    events: {
      WorldOpened: () => [{ topic: 'world', need: needs() }],
      WorldRoleGranted: worldRole,
      WorldRoleRevoked: worldRole,
    },
  },
);
