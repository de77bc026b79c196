import type { AvailabilityEvent } from '../src/availability/availability.js';
import { alwaysAvailable, withPattern, type Weekly } from '../src/availability/rules.js';
import { defineReadModel, type RecordedAs } from './engine/read-model.js';

/** What holds every week of a person who has set any rule. */
export type AvailabilityPatternRow = {
  readonly world: string;
  readonly user: string;
  /** IANA zone or offset in which the last rule was read. */
  readonly zone: string;
  readonly weekly: Weekly;
};

const keys = ({ data: { userId }, metadata: { world } }: RecordedAs<AvailabilityEvent>): string[] => [
  `${world}/${userId}`,
];

export const availabilityPatterns = defineReadModel<AvailabilityPatternRow, AvailabilityEvent>({
  name: 'availability_patterns',
  version: 1,
  indexes: [{ world: 1, user: 1 }],
  on: {
    AvailabilityPatternSet: {
      keys,
      apply: (row, { data, metadata: { world } }) => ({
        world,
        user: data.userId,
        zone: data.zone,
        weekly: withPattern(row?.weekly ?? alwaysAvailable, data.weekdays, data),
      }),
    },
    AvailabilityOverrideSet: {
      keys,
      apply: (row, { data: { userId, zone }, metadata: { world } }) => ({
        world,
        user: userId,
        zone,
        weekly: row?.weekly ?? alwaysAvailable,
      }),
    },
  },
});
