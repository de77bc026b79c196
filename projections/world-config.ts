import type { WorldEvent, WorldSettings } from '../src/identity/worlds.js';
import { defineReadModel } from './engine/read-model.js';
import { withGrant, withoutGrant, withRights, type Grant } from './grants.js';

/** A tenant: its settings and who holds which role in it. */
export type WorldConfigRow = WorldSettings & { readonly grants: readonly Grant[] };

export const worldConfig = defineReadModel<WorldConfigRow, WorldEvent>({
  name: 'world_config',
  version: 2,
  indexes: [],
  on: {
    WorldOpened: {
      keys: ({ metadata }) => [metadata.world],
      apply: (_row, { data: { title, trait_grants } }) => {
        return withRights({ title, trait_grants, connection_limit: null, roles: {}, grants: [] });
      },
    },
    WorldConfigPatched: {
      keys: ({ metadata }) => [metadata.world],
      apply: (row, { data }) => row && withRights({ ...row, ...data.patch }),
    },
    WorldRoleGranted: {
      keys: ({ metadata }) => [metadata.world],
      apply: (row, { data }) => row && { ...row, grants: withGrant(row.grants, data) },
    },
    WorldRoleRevoked: {
      keys: ({ metadata }) => [metadata.world],
      apply: (row, { data }) => row && { ...row, grants: withoutGrant(row.grants, data) },
    },
  },
});
