import { WebSocketGateway } from '@nestjs/websockets';
import type { OnGatewayConnection } from '@nestjs/websockets';
import type { Connection } from './connection.js';

/** The one gateway of all WebSocket paths: a connection carries its dialect, the wire tables know the actions. */
@WebSocketGateway()
export class SocketGateway implements OnGatewayConnection<Connection> {
  handleConnection(connection: Connection): void {
    connection.start();
  }
}
