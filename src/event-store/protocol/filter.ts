import type { streams } from './definitions.js';
import { InvalidArgument } from './errors.js';

/** Whether an event is asked for. */
export type Matches = (event: { readonly stream: string; readonly type: string }) => boolean;

/** Events a filtered subscription looks at between two checkpoints, if the client doesn't say. */
const DEFAULT_WINDOW = 32;

export interface AllFilter {
  readonly matches: Matches;
  /** After so many events looked at, a subscription gets a checkpoint. */
  readonly checkpointInterval: number;
}

/** The filter of a read or subscription of `$all`; undefined lets all pass. @throws InvalidArgument */
export function filterOf(options: streams.ReadReq.Options): AllFilter | undefined {
  const filter = options.getFilter();
  if (filter === undefined) return undefined;
  const [on, expression] = filter.hasEventType()
    ? (['type', filter.getEventType()] as const)
    : (['stream', filter.getStreamIdentifier()] as const);
  if (expression === undefined) throw new InvalidArgument('the filter names neither streams nor event types');
  const passes = textMatcher(expression);
  const window = filter.hasMax() ? filter.getMax() : DEFAULT_WINDOW;
  const checkpointInterval = window * Math.max(filter.getCheckpointintervalmultiplier(), 1);
  return { matches: (event) => passes(event[on]), checkpointInterval };
}

function textMatcher(expression: streams.ReadReq.Options.FilterOptions.Expression): (text: string) => boolean {
  const regex = expression.getRegex();
  const prefixes = expression.getPrefixList();
  if (regex === '') return (text) => prefixes.some((prefix) => text.startsWith(prefix));
  try {
    const pattern = new RegExp(regex);
    return (text) => pattern.test(text);
  } catch {
    throw new InvalidArgument(`the filter's regular expression ${regex} is not one JavaScript understands`);
  }
}
