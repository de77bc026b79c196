import { Module } from '@nestjs/common';
import type { Config } from '../config/config.js';
import type { EventStore } from '../event-store/event-store.js';
import { GatewayModule } from '../gateway/gateway.module.js';
import { CONFIG, EVENT_STORE } from '../nest/injection.js';
import { AuditController } from './audit.controller.js';
import { AuditKey } from './audit-key.js';
import { Verifier } from './verifier.js';

/** What auditors ask over HTTP. The gateway's module lends the sign-in. */
@Module({
  imports: [GatewayModule],
  controllers: [AuditController],
  providers: [
    { provide: AuditKey, inject: [CONFIG], useFactory: ({ dataDir }: Config) => AuditKey.of(dataDir) },
    {
      provide: Verifier,
      inject: [EVENT_STORE, AuditKey],
      useFactory: (store: EventStore, key: AuditKey) => new Verifier(store, key),
    },
  ],
})
export class AuditModule {}
