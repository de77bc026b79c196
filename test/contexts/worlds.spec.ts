import { describe, it } from '@jest/globals';
import { worlds, type WorldEvent } from '../../src/identity/worlds.js';
import { given, golden } from '../spec/decider-spec.js';

const opened: WorldEvent = { type: 'WorldOpened', data: { title: 'demo', trait_grants: { admin: ['admin'] } } };

describe('a world', () => {
  it('opens once', () => {
    const open = { type: 'OpenWorld', trait_grants: { admin: ['admin'] } } as const;
    given(worlds).when(open).then(opened);
    given(worlds, opened).when(open).refused('world.already_open');
  });

  it('grants and revokes roles', () => {
    given(worlds, opened)
      .when({ type: 'GrantWorldRole', user: 'bob', role: 'moderator' })
      .then({ type: 'WorldRoleGranted', data: { user: 'bob', role: 'moderator' } });
    given(worlds, opened)
      .when({ type: 'RevokeWorldRole', user: 'bob', role: 'moderator' })
      .then({ type: 'WorldRoleRevoked', data: { user: 'bob', role: 'moderator' } });
  });
});

describe('events of a world', () => {
  golden(worlds, {
    WorldOpened: [{ schema: 1, stored: { title: 'demo', trait_grants: { viewer: [], admin: [['admin', 'root']] } } }],
    WorldConfigPatched: [
      {
        schema: 1,
        stored: {
          patch: {
            title: 'Demo Conf',
            trait_grants: { admin: ['admin'], steward: [['staff', 'crew']] },
            connection_limit: 3,
            roles: { steward: ['world:view', 'room:view', 'room:announce'] },
          },
        },
      },
    ],
    WorldRoleGranted: [{ schema: 1, stored: { user: 'bob', role: 'moderator' } }],
    WorldRoleRevoked: [{ schema: 1, stored: { user: 'bob', role: 'moderator' } }],
  });
});
