import { isText, Must, Optional } from '../../eventsourcing/validation.js';

/** Topics one connection may follow, and one call may name. */
export const maxTopics = 100;

const IsTopics = () =>
  Must(`a list of 1 to ${maxTopics} topics without repeats, each a text of 1 to 400 characters`, (value) => {
    if (!Array.isArray(value) || value.length === 0 || value.length > maxTopics) return false;
    return value.every((topic) => isText(topic, 400)) && new Set(value).size === value.length;
  });

/** `events.subscribe {topics, after?}` */
export class SubscribeEvents {
  readonly type = 'SubscribeEvents' as const;
  @IsTopics() topics!: readonly string[];
  @Optional() @Must('a position, or "start"', (value) => isText(value, 200)) after?: string;
}

/** `events.unsubscribe {topics?}` */
export class UnsubscribeEvents {
  readonly type = 'UnsubscribeEvents' as const;
  @Optional() @IsTopics() topics?: readonly string[];
}
