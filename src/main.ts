import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger } from 'pino';
import { AppModule } from './app.module.js';
import { ConfigError, readConfig, type Config } from './config/config.js';
import { listenError, prepareDataDir, storeError } from './config/start-error.js';
import { SocketServer } from './gateway/socket-server.js';
import { SocketAdapter } from './gateway/ws.adapter.js';
import { createLogger, NestLogger } from './logging/logger.js';
import { FrameworkErrorFilter, frameworkErrors } from './rest/framework-errors.js';
import { limitStop } from './stop-limit.js';

/** Characters of a path's parameter, decoded: names of streams may have 1,024 bytes. */
const maxPathParameter = 1_024;
/** HTTP requests under way get this long; then their connections are cut, also those that never finished asking. */
const requestsWithinMs = 5_000;

async function start(config: Config, logger: Logger): Promise<void> {
  await prepareDataDir(config);
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.with(config, logger),
    new FastifyAdapter({ bodyLimit: 1_048_576, routerOptions: { maxParamLength: maxPathParameter }, frameworkErrors }),
    { logger: new NestLogger(logger), abortOnError: false },
  ).catch((error: unknown) => {
    throw storeError(error, config);
  });
  app.useGlobalFilters(new FrameworkErrorFilter());
  app.useWebSocketAdapter(new SocketAdapter(app, app.get(SocketServer, { strict: false })));
  const stop = (signal: string): void => void stopApp(app, logger, signal);
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  await app.listen(config.port, config.host).catch((error: unknown) => {
    throw listenError(error);
  });
  logger.info({ url: await app.getUrl() }, 'Convoke is listening');
}

async function stopApp(app: NestFastifyApplication, logger: Logger, signal: string): Promise<void> {
  logger.info({ signal }, 'stopping');
  limitStop(logger);
  setTimeout(() => setInterval(() => app.getHttpServer().closeAllConnections(), 250), requestsWithinMs).unref();
  await app.close();
  logger.info('stopped');
  process.exit(0);
}

let logger = createLogger('info');
try {
  const config = readConfig(process.env);
  logger = createLogger(config.logLevel);
  process.on('unhandledRejection', (err) => logger.error({ err }, 'a rejection was not handled'));
  await start(config, logger);
} catch (error) {
  // One line for whoever starts it; a stack only where the fault is ours.
  const known = error instanceof ConfigError || (error instanceof Error && 'code' in error) || isStoreError(error);
  process.stderr.write(
    `convoke: ${known && error instanceof Error ? error.message : String((error as Error).stack)}\n`,
  );
  process.exit(1);
}

function isStoreError(error: unknown): boolean {
  return error instanceof Error && error.name === 'StoreUnavailable';
}
