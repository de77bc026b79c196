import type { BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import { EventTooLarge, StoreUnavailable, WrongExpectedRevision } from '../event-store.js';
import type { ExpectedRevision } from '../event-store.js';

export interface AppendAnswer {
  readonly revision: bigint;
  /** Absent for a resend that the server recognised without looking up where the events are. */
  readonly position?: bigint;
}

/** What the server did with an append. @throws WrongExpectedRevision, EventTooLarge, StoreUnavailable, Error for a passing failure */
export function answerOf(
  { stream, expected }: { readonly stream: string; readonly expected: ExpectedRevision },
  answer: BatchAppendResp,
): AppendAnswer {
  const success = answer.getSuccess();
  if (success !== undefined) {
    const position = success.getPosition();
    return {
      revision: BigInt(success.getCurrentRevision()),
      ...(position && { position: BigInt(position.getCommitPosition()) }),
    };
  }
  const status = answer.getError();
  const details = status?.getDetails();
  const name = details?.getTypeName().split('.').at(-1);
  switch (name) {
    case 'WrongExpectedVersion': {
      const wrong = shared.WrongExpectedVersion.deserializeBinary(details?.getValue_asU8() ?? new Uint8Array());
      const actual = wrong.hasCurrentStreamRevision() ? BigInt(wrong.getCurrentStreamRevision()) : -1n;
      throw new WrongExpectedRevision(stream, expected, actual);
    }
    case 'MaximumAppendSizeExceeded':
      throw new EventTooLarge(`the events for ${stream} are over EventStoreDB's limit for one append`);
    case 'AccessDenied':
      throw new StoreUnavailable(`EventStoreDB denies writing to ${stream}`);
    case 'StreamDeleted':
      throw new StoreUnavailable(`the stream ${stream} was deleted for good`);
    default:
      // Timeouts and whatever a server does not explain: the outcome is unknown.
      throw new Error(`${name ?? 'an append failed'}: ${status?.getMessage() ?? 'without an answer'}`);
  }
}
