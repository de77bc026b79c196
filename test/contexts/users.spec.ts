import { describe, it } from '@jest/globals';
import { users, type UserEvent } from '../../src/users/users.js';
import { given, golden } from '../spec/decider-spec.js';

const said = {
  profile: { display_name: 'Ann Lee', tags: ['a', { b: 1 }] },
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
    const { profile } = said;
    const bare: UserEvent = { type: 'UserProfileRecorded', data: { userId: 'ann', profile } };
    given(users, recorded)
      .when({ ...record, profile })
      .then(bare);
    given(users, recorded, bare)
      .when({ ...record, profile })
      .refused('user.unchanged');
    given(users, recorded, bare)
      .when({ ...record, ...said })
      .then(recorded);
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
          email: 'Ann@x.org',
          zoneinfo: 'Asia/Tokyo',
        },
      },
    ],
  });
});
