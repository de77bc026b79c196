import type { Mutation } from './table.js';

const policies = 'test/policies/meetings.spec.ts';
const crash = ['test/faults/bookings-crash.spec.ts', 'leaves every meeting whole'] as const;

/** Guarantees of meetings: nobody is booked twice, and a crash leaves the whole of a meeting or none. */
export const meetingMutations: readonly Mutation[] = [
  {
    name: 'a booking needs free time',
    file: 'src/meetings/calendar.ts',
    from: "if (conflicts === 'reject' && !hasTime(state, time, meetingId)) throw new Refused('meeting.conflict');",
    to: 'void [conflicts, state, time, meetingId];',
    caughtBy: [
      ['test/contexts/calendar.spec.ts', 'is never booked twice'],
      [policies, 'book one slot for one of many'],
      ['test/faults/bookings.spec.ts', 'lets exactly one of 200 parallel bookings'],
    ],
    built: true,
  },
  {
    name: 'a meeting is followed after a crash',
    file: 'src/app.module.ts',
    from: '...meetingPolicies(meetingConflicts),',
    to: '...(meetingPolicies(meetingConflicts) && []),',
    caughtBy: [crash],
    built: true,
  },
  {
    name: 'an acceptance of a meeting that is no more frees its time',
    file: 'src/meetings/meetings.policy.ts',
    from: 'await release(loop, event.data.userId, event);',
    to: '',
    caughtBy: [[policies, 'book one slot for one of many']],
  },
  {
    name: 'someone who accepts a meeting that moved moves along',
    file: 'src/meetings/meetings.policy.ts',
    from: "if (!moves && event.type !== 'MeetingAccepted' &&",
    to: 'if (!moves &&',
    caughtBy: [[policies, 'while someone accepts it takes them along']],
  },
  {
    name: 'a withdrawn acceptance is no resend of the update',
    file: 'src/meetings/meetings.policy.ts',
    from: "event.type === 'BookingReleased' ? ownFollowUpContext(event) : followUpContext(event)",
    to: 'followUpContext(event)',
    caughtBy: [[policies, 'loses, as soon as it is told, those whose time is taken']],
  },
  {
    name: 'a query sees what others were told',
    file: 'src/read-store/caught-up.ts',
    from: 'if (newest > after) await',
    to: 'if (newest < after) await',
    caughtBy: [['test/e2e/fresh-reads.spec.ts', 'whoever asks after somebody was told']],
    built: true,
  },
];
