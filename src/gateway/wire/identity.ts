import { Refused } from '../../eventsourcing/refused.js';
import { GrantWorldRole, PatchWorldConfig, RevokeWorldRole } from '../../identity/worlds.commands.js';
import { GetWorldConfig, type WorldPatched } from '../../identity/worlds.handlers.js';
import type { WorldEvent } from '../../identity/worlds.js';
import { command, type Done, type Place, query, wire } from './wire.js';

const needs = () => ({ permission: 'world:update' }) as const;
const reply = () => ({});
const settings = new Set(['title', 'trait_grants', 'connection_limit', 'roles']);

/** Who holds which role in the world is for those who give roles, and for the one concerned. */
const worldRole = ({ data: { user } }: { readonly data: { readonly user: string } }): Place[] => [
  { topic: 'world', need: needs() },
  { topic: `user:${user}`, need: undefined },
];
const forAdmins = (): Place[] => [{ topic: 'world', need: needs() }];

/** Source: wire contract, section 2. */
export const identityWire = wire<WorldEvent>(
  {
    'world.config.get': query({ shape: GetWorldConfig, needs }),
    'world.config.patch': command<PatchWorldConfig, WorldPatched>({
      shape: PatchWorldConfig,
      codeOf: (fields) => (fields.every((field) => settings.has(field)) ? 'config.invalid' : 'protocol.invalid'),
      needs,
      reply: (done) => done.settings,
    }),
    'world.grant': command<GrantWorldRole, Done>({
      shape: GrantWorldRole,
      needs,
      roles: ({ role }) => ({ field: 'role', names: [role] }),
      reply,
    }),
    'world.revoke': command<RevokeWorldRole, Done>({
      shape: RevokeWorldRole,
      needs,
      roles: ({ user, role }) => ({ field: 'role', names: [role], held: { user } }),
      reply,
    }),
  },
  { WorldConfigPatched: ({ metadata: { world } }) => ({ worldUpdated: world }) },
  {
    topics: {
      world: { needs: () => ({ permission: 'world:view' }) },
      user: {
        id: '<own id>',
        needs: (id, { userId, anonymous }) => {
          // Anyone can name a client_id: who came with an invite hears of its room only.
          if (anonymous) throw new Refused('auth.denied', 'With an invite only its room can be followed.');
          if (id !== userId) throw new Refused('auth.denied', 'Another user cannot be followed.');
          return undefined;
        },
      },
    },
    events: {
      WorldOpened: forAdmins,
      WorldConfigPatched: forAdmins,
      WorldRoleGranted: worldRole,
      WorldRoleRevoked: worldRole,
    },
  },
);
