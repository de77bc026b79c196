import { createHash, timingSafeEqual } from 'node:crypto';
import { ServerInterceptingCall, status } from '@grpc/grpc-js';
import type { Metadata, ServerInterceptor } from '@grpc/grpc-js';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Answers UNAUTHENTICATED to every call without these Basic credentials. */
export function requiring({ username, password }: Credentials): ServerInterceptor {
  const required = digest(`Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`);
  const mayPass = (metadata: Metadata): boolean =>
    timingSafeEqual(digest(String(metadata.get('authorization')[0] ?? '')), required);
  return (_method, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            if (mayPass(metadata)) pass(metadata);
            else call.sendStatus({ code: status.UNAUTHENTICATED, details: 'the credentials are missing or wrong' });
          },
        }),
    });
}

/** Of equal length whatever the text, so that comparing takes the same time. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

export interface Logger {
  error(details: object, message: string): void;
}

const OUR_FAULT: readonly status[] = [status.INTERNAL, status.UNKNOWN, status.DATA_LOSS];

/** Logs the calls that failed by our fault. */
export const logging =
  (logger: Logger): ServerInterceptor =>
  ({ path }, call) =>
    new ServerInterceptingCall(call, {
      sendStatus: (answer, next) => {
        const { code, details } = answer;
        if (code !== undefined && OUR_FAULT.includes(code)) logger.error({ path, details }, 'a gRPC call failed');
        next(answer);
      },
    });
