import type { Session } from '../identity/session.js';
import type { Connection } from './connection.js';
import type { Call } from './dialects/dialect.js';

/** What stands behind the sockets: sign-in and the actions. Every method refuses by throwing `Refused`. */
export interface SocketHandler {
  /**
   * The person an `authenticate` payload describes, in the world of the connection's path. Also called on a signed-in
   * connection, which renews its token. A refusal `auth.*` closes the connection (4401), any other leaves it open.
   */
  signIn(payload: unknown, connection: Connection): Promise<Session>;
  /** The person a token describes that came when the connection was opened; without a world, in the token's own. */
  signInByToken(token: string, world?: string): Promise<Session>;
  /**
   * The body of `authenticated`; `connection.session` is set. Called again when a token is renewed. Topics joined as its
   * last step hear nothing before the body is sent.
   */
  welcome(connection: Connection, session: Session): Promise<unknown>;
  /** Carries out one action. */
  call(connection: Connection, session: Session, call: Call): Promise<Answer>;
  /** Once for each signed-in connection that is gone, after its last frame was handled and its topics were left. */
  closed(connection: Connection, session: Session): Promise<void> | void;
}

/** What an action is answered with. */
export interface Answer {
  readonly body: unknown;
  /** Where a command's last event is in the log, as clients write it. */
  readonly position?: string;
}

/** The part of a pino logger the sockets use. */
export interface SocketLog {
  error(context: object, message: string): void;
}
