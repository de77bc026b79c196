import { describe, it } from '@jest/globals';
import { users, type UserEvent } from '../../src/users/users.js';
import { given, golden } from '../spec/decider-spec.js';

const said = {
  profile: { display_name: 'Ann Lee', tags: ['a', { b: 1 }] },
  traits: ['speaker'],
  email: 'Ann@x.org',
  zoneinfo: 'Asia/Tokyo',
};
const recorded: UserEvent = { type: 'UserProfileRecorded', data: { userId: 'ann', ...said } };
const record = { type: 'RecordUserProfile', userId: 'ann' } as const;

describe('a person', () => {
  it('is recorded as the token says', () => {
    given(users)
      .when({ ...record, ...said })
      .then(recorded);
  });

  it('is recorded again only when the token says something new', () => {
    const reordered = { tags: ['a', { b: 1 }], display_name: 'Ann Lee' };
    given(users, recorded)
      .when({ ...record, ...said, profile: reordered })
      .refused('user.unchanged');
    const renamed = { ...said, profile: { display_name: 'Ann Li' } };
    given(users, recorded)
      .when({ ...record, ...renamed })
      .then({ type: 'UserProfileRecorded', data: { userId: 'ann', ...renamed } });
  });

  it('has no e-mail and no zone any more when a later token has none', () => {
    const { profile, traits } = said;
    const bare: UserEvent = { type: 'UserProfileRecorded', data: { userId: 'ann', profile, traits } };
    given(users, recorded)
      .when({ ...record, profile, traits })
      .then(bare);
    given(users, recorded, bare)
      .when({ ...record, profile, traits })
      .refused('user.unchanged');
    given(users, recorded, bare)
      .when({ ...record, ...said })
      .then(recorded);
  });

  it('is not recorded as an older token says', () => {
    const newer: UserEvent = { type: 'UserProfileRecorded', data: { userId: 'ann', ...said, issuedAt: 2_000 } };
    const renamed = { ...said, profile: { display_name: 'Ann Li' } };
    given(users, newer)
      .when({ ...record, ...renamed, issuedAt: 1_999 })
      .refused('user.unchanged');
    given(users, newer)
      .when({ ...record, ...said, issuedAt: 2_001 })
      .refused('user.unchanged');
    given(users, newer)
      .when({ ...record, ...renamed, issuedAt: 2_000 })
      .then({ type: 'UserProfileRecorded', data: { userId: 'ann', ...renamed, issuedAt: 2_000 } });
  });
});

describe('events of a person', () => {
  golden(users, {
    UserProfileRecorded: [
      {
        schema: 1,
        stored: {
          userId: 'ann',
          profile: { display_name: 'Ann Lee', avatar: 'https://x.org/a.png' },
          traits: ['admin', 'speaker'],
          email: 'Ann@x.org',
          zoneinfo: 'Asia/Tokyo',
          issuedAt: 1_790_000_000,
        },
      },
    ],
  });
});
