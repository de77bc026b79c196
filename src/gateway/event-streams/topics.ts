import { Refused } from '../../eventsourcing/refused.js';
import type { Access } from '../../identity/access.js';
import type { Session } from '../../identity/session.js';
import { wireTable } from '../wire/index.js';
import { requireNeed } from '../needs.js';
import type { PeopleOf } from '../wire/wire.js';

/**
 * Refuses what may not be followed: first for its form, then for what does not exist or is not for this person.
 * @throws Refused protocol.invalid, room.unknown, meeting.unknown, protocol.denied, auth.denied; details say which topic
 */
export async function requireTopics(
  topics: readonly string[],
  session: Session,
  access: Access,
  people: PeopleOf,
): Promise<void> {
  const parsed = topics.map(parse);
  const malformed = parsed.flatMap((topic, index) =>
    topic ? [] : [{ field: 'topics', message: `topics[${index}] must be ${served()}` }],
  );
  if (malformed.length > 0) {
    throw new Refused('protocol.invalid', malformed.map(({ message }) => message).join('; '), malformed);
  }
  for (const [index, topic] of parsed.entries()) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- the first one that may not be followed is told
      const need = topic && (await wireTable.topics[topic.kind]?.needs(topic.id, session, people));
      if (need) requireNeed(access, session, need);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      throw new Refused(error.code, error.message, [
        { field: 'topics', message: `topics[${index}]: ${error.message}` },
      ]);
    }
  }
}

/** `world` stands alone, every other kind has an id: `room:<id>`. */
function parse(topic: string): { readonly kind: string; readonly id: string } | undefined {
  const colon = topic.indexOf(':');
  const kind = colon < 0 ? topic : topic.slice(0, colon);
  const id = colon < 0 ? '' : topic.slice(colon + 1);
  const known = wireTable.topics[kind];
  if (!known || (known.id === undefined ? colon >= 0 : id.trim() === '')) return undefined;
  return { kind, id };
}

function served(): string {
  const forms = Object.entries(wireTable.topics).map(([kind, { id }]) => (id === undefined ? kind : `${kind}:${id}`));
  return forms.join(', ');
}
