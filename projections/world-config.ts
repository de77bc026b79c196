import type { TraitGrants } from '../src/identity/roles.js';
import type { WorldEvent } from '../src/identity/worlds.js';
import { defineReadModel } from './engine/read-model.js';
import { withGrant, withoutGrant, type Grant } from './grants.js';

/** A tenant: its title and who holds which role in it. */
export type WorldConfigRow = {
  readonly title: string;
  readonly trait_grants: TraitGrants;
  readonly grants: readonly Grant[];
};

export const worldConfig = defineReadModel<WorldConfigRow, WorldEvent>({
  name: 'world_config',
  version: 1,
  indexes: [],
  on: {
    WorldOpened: {
      keys: ({ metadata }) => [metadata.world],
      apply: (_row, { data: { title, trait_grants } }) => ({ title, trait_grants, grants: [] }),
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
