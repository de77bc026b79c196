import {
  Inject,
  Module,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { Logger } from 'pino';
import { Projections } from '../projections/engine/engine.js';
import { ProjectionReader } from '../projections/engine/reader.js';
import { AuditModule } from './audit/audit.module.js';
import { AvailabilityModule } from './availability/availability.module.js';
import { CalendarFeedsModule } from './calendar-feeds/calendar-feeds.module.js';
import type { Config } from './config/config.js';
import type { EventStore } from './event-store/event-store.js';
import type { ProtocolServer } from './event-store/protocol/serve-protocol.js';
import { CommandLoop } from './eventsourcing/handle.js';
import { EventRegistry } from './eventsourcing/registry.js';
import { GatewayModule } from './gateway/gateway.module.js';
import { LiveLog } from './gateway/live-log.js';
import { Presence } from './gateway/presence.js';
import { HealthController } from './health/health.controller.js';
import { Readiness } from './health/readiness.js';
import { IdentityModule } from './identity/identity.module.js';
import { meetingRoomsPolicy } from './meetings/meeting-rooms.policy.js';
import { MeetingRows } from './meetings/meeting-rows.queries.js';
import { MeetingsModule } from './meetings/meetings.module.js';
import { meetingPolicies } from './meetings/meetings.policy.js';
import { CONFIG, EVENT_STORE, LOGGER, PROTOCOL_SERVER, READ_STORE } from './nest/injection.js';
import { PolicyRunner } from './policies/policy-runner.js';
import { Checkpoints } from './read-store/checkpoints.js';
import type { ReadStore } from './read-store/read-store.js';
import { ReactionsModule } from './reactions/reactions.module.js';
import { InviteLinkController } from './rest/invite-link.controller.js';
import { roomDirectoryPolicy } from './rooms/rooms.policy.js';
import { RoomsModule } from './rooms/rooms.module.js';
import { StoresModule } from './stores.module.js';
import { atMost } from './waiting.js';

const POLICY_RUNNERS = Symbol('PolicyRunners');

/** The composition root: what runs, and in which order it starts and stops. */
@Module({
  imports: [
    IdentityModule,
    RoomsModule,
    AvailabilityModule,
    ReactionsModule,
    MeetingsModule,
    CalendarFeedsModule,
    GatewayModule,
    AuditModule,
  ],
  controllers: [HealthController, InviteLinkController],
  providers: [
    {
      provide: POLICY_RUNNERS,
      inject: [EVENT_STORE, EventRegistry, CommandLoop, Checkpoints, LOGGER, CONFIG, MeetingRows],
      useFactory: (
        store: EventStore,
        registry: EventRegistry,
        loop: CommandLoop,
        checkpoints: Checkpoints,
        logger: Logger,
        { meetingConflicts }: Config,
        rows: MeetingRows,
      ) =>
        [
          roomDirectoryPolicy,
          ...meetingPolicies(meetingConflicts),
          meetingRoomsPolicy({ meetingsIn: (...there) => rows.inRoom(...there) }),
        ].map((policy) => new PolicyRunner(policy, store, registry, loop, checkpoints, logger)),
    },
    {
      provide: Readiness,
      inject: [EVENT_STORE, READ_STORE, ProjectionReader, LiveLog],
      useFactory: (store: EventStore, readStore: ReadStore, reader: ProjectionReader, live: LiveLog) =>
        new Readiness(store, readStore, reader, live),
    },
  ],
})
export class AppModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    @Inject(EVENT_STORE) private readonly store: EventStore,
    @Inject(READ_STORE) private readonly readStore: ReadStore,
    @Inject(POLICY_RUNNERS) private readonly runners: readonly PolicyRunner[],
    @Inject(PROTOCOL_SERVER) private readonly protocol: ProtocolServer | undefined,
    @Inject(Projections) private readonly projections: Projections | undefined,
    private readonly live: LiveLog,
    private readonly presence: Presence,
  ) {}

  static with(config: Config, logger: Logger): DynamicModule {
    return { module: AppModule, imports: [StoresModule.with(config, logger)] };
  }

  /**
   * Nobody is let in before access is decided on current facts, nor before what a crash cut off was finished.
   */
  async onApplicationBootstrap(): Promise<void> {
    await Promise.all(this.runners.map((runner) => runner.start()));
    await this.live.start();
    await this.presence.start();
  }

  /** The sockets are closed by now: no command comes any more. What reads the log stops before the stores do. */
  async onApplicationShutdown(): Promise<void> {
    await this.presence.stop();
    const readers = [this.live.stop(), this.projections?.stop(), ...this.runners.map((runner) => runner.stop())];
    // A store that is away does not hold up the stop: what could not be written is folded again from its checkpoint.
    await atMost(2_500, Promise.all(readers));
    await atMost(1_500, this.readStore.close());
    await this.protocol?.close();
    await this.store.close();
  }
}
