// Whether what a member of a cluster has written of a source has the form that its readers count on: one that was taken may write anything.
import { areTexts, isDict, isFlag, isSettlement, isSourceAbout, isText } from '../../protocol/event-data.js';
import { isInt64 } from '../../protocol/int64.js';
import type { SettledRun, SourceInfo } from '../../protocol/types.js';
import type { Run } from './run.js';

const isTextIfAny = (value: unknown): boolean => value === undefined || isText(value);
const isFlagIfAny = (value: unknown): boolean => value === undefined || isFlag(value);
const isDate = (value: unknown): boolean => isText(value) && !Number.isNaN(Date.parse(value));

/** The words are any, since a later version may have more. */
export function isRun(run: Run): boolean {
  return (
    [run.source, run.id, run.run, run.status, run.soft, run.force, run.complete].every(isText) &&
    [run.attended, run.sawReady, run.sawAborting, run.gap, run.unobserved].every(isFlag) &&
    [run.completeObserved, run.escalated, run.neverPivots, run.misdelivered].every(isFlag) &&
    [run.ioStatus, run.error, run.continuity, run.libvirt].every(isTextIfAny) &&
    isFlagIfAny(run.autoFinalize) &&
    isFlagIfAny(run.autoDismiss) &&
    (run.type === null || isText(run.type)) &&
    [run.len, run.offset, run.speed].every(isInt64) &&
    [run.updated, run.absentFromQueries].every(Number.isSafeInteger) &&
    areTexts(run.requestedBy) &&
    isDict(run.ref) &&
    isText(run.ref.id) &&
    run.ref.run === run.run &&
    isDict(run.began) &&
    isTextIfAny(run.began.cursor) &&
    (run.began.time === null || Number.isSafeInteger(run.began.time)) &&
    isDict(run.ending) &&
    isText(run.ending.kind) &&
    (run.stoppedBy === undefined || (isDict(run.stoppedBy) && isText(run.stoppedBy.operation))) &&
    (run.end === undefined || (isDict(run.end) && isDict(run.end.evidence) && isFlag(run.end.dismissed))) &&
    (run.settled === undefined || isSettlement(run.settled))
  );
}

export const isSettledRun = ({ source, job, run, cursor, time, settled }: SettledRun): boolean =>
  [source, job, run, cursor].every(isText) && (time === null || isDate(time)) && isSettlement(settled);

export const isSourceInfo = (info: SourceInfo): boolean =>
  isSourceAbout(info) && [info.name, info.state].every(isText) && isDate(info.since) && isTextIfAny(info.reason);
