/** gnt-filter: rules for jobs that wait in the queue. */
import { command, many, one, type Program } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import * as o from '../../options/index.ts';
import { pythonText } from '../../output/python-text.ts';
import type { Session } from '../../session.ts';
import {
  list as listResource,
  listFields as listResourceFields,
  selectedFields,
} from '../../shared/listing.ts';
import type { Row } from '../../shared/queries.ts';

const fieldNames = ['uuid', 'watermark', 'priority', 'predicates', 'action', 'reason_trail'];
const nanosecondsPerMillisecond = 1e6;

interface RuleOptions {
  readonly priority: number;
  readonly predicates: unknown;
  readonly action: unknown;
  readonly reason: string | null;
}

/** Makes a rule, or writes the one with `uuid` anew; prints its uuid. */
async function replaceRule(session: Session, uuid: string | null, options: RuleOptions): Promise<number> {
  const { priority, predicates, action } = options;
  const reason = options.reason ? [['gnt:user', options.reason, Date.now() * nanosecondsPerMillisecond]] : [];
  session.print(
    pythonText(await session.call('ReplaceFilter', [uuid, priority, predicates, action, reason])),
  );
  return ExitCode.success;
}

const add = command({
  arguments: [],
  options: [o.rulePriority, o.rulePredicates, o.ruleAction],
  usage: '',
  description: 'Adds a new filter rule',
  run: async (session, options) => await replaceRule(session, null, options),
});

const replace = command({
  arguments: [one('filter')],
  options: [o.rulePriority, o.rulePredicates, o.ruleAction],
  usage: '<filter-uuid>',
  description: 'Replaces a filter',
  run: async (session, options, args) => await replaceRule(session, args[0]!, options),
});

const remove = command({
  arguments: [one('filter')],
  options: [],
  usage: '<filter-uuid>',
  description: 'Removes a filter',
  run: async (session, _options, args) => {
    await session.call('DeleteFilter', [args[0]!]);
    return ExitCode.success;
  },
});

const info = command({
  arguments: [many('filter')],
  options: [],
  usage: '[<filter-uuid>...]',
  description: 'Shows information about the filter(s)',
  run: async (session, _options, args) => {
    const rows = (await session.call('QueryFilters', [args, fieldNames])) as Row[];
    for (const [uuid, watermark, priority, predicates, action, reasonTrail] of rows) {
      session.printLines([
        `UUID: ${pythonText(uuid)}`,
        `  Watermark: ${pythonText(watermark)}`,
        `  Priority: ${pythonText(priority)}`,
        `  Predicates: ${pythonText(predicates)}`,
        `  Action: ${pythonText(action)}`,
        `  Reason trail: ${pythonText(reasonTrail)}`,
      ]);
    }
    return ExitCode.success;
  },
});

const list = command({
  arguments: [many('filter')],
  options: [o.noHeaders, o.separator, o.output, o.verbose],
  usage: '[<filter-uuid>...]',
  description:
    'Lists the job filter rules. The available fields can be shown using the "list-fields" command (see the man page for details). The default list is (in order): uuid, watermark, priority, predicates, action, reason_trail.',
  run: async (session, options, args) => {
    const fields = selectedFields(options.output, fieldNames);
    return await listResource(session, { resource: 'filter', fields, nameField: 'uuid' }, options, args);
  },
});

const listFields = command({
  arguments: [many('unknown')],
  options: [o.noHeaders, o.separator],
  usage: '[<fields>...]',
  description: 'Lists all available fields for filters',
  run: async (session, options, args) => await listResourceFields(session, 'filter', options, args),
});

export const program: Program = {
  commands: { add, delete: remove, info, list, 'list-fields': listFields, replace },
  aliases: {},
  defaultsFromEnvironment: [],
};
