/** Names under which interfaces are injected; classes are injected under themselves. */
export const CONFIG = Symbol('Config');
export const LOGGER = Symbol('Logger');
export const EVENT_STORE = Symbol('EventStore');
export const READ_STORE = Symbol('ReadStore');
/** The embedded log over the EventStoreDB protocol; undefined where it is not served. */
export const PROTOCOL_SERVER = Symbol('ProtocolServer');
/** Names this process in streams only it writes. The one process of an embedded log keeps its name over a restart. */
export const NODE_ID = Symbol('NodeId');
