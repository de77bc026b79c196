import { SubscribeEvents, UnsubscribeEvents } from '../event-streams/commands.js';
import { onConnection, wire } from './wire.js';

/** Source: wire contract, section 9. What a topic needs and brings stands in the table of the context it belongs to. */
export const eventsWire = wire<never>(
  {
    'events.subscribe': onConnection({
      shape: SubscribeEvents,
      needs: () => undefined,
      run: async ({ topics, after }, { connection, session, streams }) => {
        await streams.subscribe(connection, session, topics, after);
        return {};
      },
    }),
    'events.unsubscribe': onConnection({
      shape: UnsubscribeEvents,
      needs: () => undefined,
      run: ({ topics }, { connection, streams }) => {
        streams.unsubscribe(connection, topics);
        return {};
      },
    }),
  },
  {},
  { topics: {}, events: {} },
);
